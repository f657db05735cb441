"""What a page of `report` is made of."""
