"""What the tests share: local servers, small editions, tiny notebooks."""
