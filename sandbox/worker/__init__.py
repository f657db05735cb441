"""Both ends of the channel to the process that runs a module: client and server, zygote client and zygote server."""
