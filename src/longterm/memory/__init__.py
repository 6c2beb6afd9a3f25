"""What a memory is: values and rules only. Nothing in this room does I/O or asks anybody."""
