"""The study of sharpness: the edge of stability, spectra of Hessians, lazy training, and paths between solutions."""
