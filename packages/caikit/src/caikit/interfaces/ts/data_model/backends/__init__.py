"""What stands behind time series: data frames."""
