"""The live network's own formats: output records, random streams, bundles, proofs and solution blobs."""
