"""The live network's own formats: output records, Merkle proofs, answers of its API and solution blobs."""
