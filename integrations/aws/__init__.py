"""Amazon Web Services: secrets, buckets of results, calls of functions. boto3 comes with the first use."""
