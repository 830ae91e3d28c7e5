"""Ask the server about two texts over HTTP: python client_http.py [HOST:PORT]"""

import json
import sys
from urllib.request import Request, urlopen

from text_sentiment import ClassificationPrediction

target = sys.argv[1] if len(sys.argv) > 1 else "localhost:8080"

for text in ["I am not feeling well today!", "Today is a nice sunny day"]:
    body = json.dumps({"model_id": "sentiment", "inputs": {"text": text}}).encode()
    request = Request(
        f"http://{target}/api/v1/task/text-sentiment", body, {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=30) as answer:
        response = ClassificationPrediction.from_json(answer.read().decode())
    print("Text:", text)
    print("RESPONSE:", response.to_proto())
