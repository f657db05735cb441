import arithmetic as arithmetic
import protocol as protocol
import sandbox as sandbox
import verifier as verifier
from verifier import *
