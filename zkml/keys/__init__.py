"""What setup needs and makes: structured reference strings and keys."""
