"""Many nonces of one task and module, trained together on a device by torch, with the bits of a CPU's training.

The places of a device (`S` of them) each have the network of one nonce. `lockstep_network` says what their networks
compute; `torch_network` does it with torch's operations, on any device. `lockstep_trainer` trains.
Nothing else of the challenge imports this, for it needs torch.
"""
