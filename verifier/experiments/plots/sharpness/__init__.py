"""The figures of the study of sharpness, a file each."""
