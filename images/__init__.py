"""Builds container images from wheels and a base image, without a container engine."""
