"""The jail: a process gives up, for good, all it can before it reads untrusted code (Linux on x86-64 or AArch64)."""
