"""Binary32 inputs whose result is not their binary64 approximation rounded once (specification 2.9).

Bit pattern of the input -> bit pattern of the correctly rounded result: poles, zeros and infinities, and the few inputs
whose exact result lies so close to the middle between two binary32 numbers that the approximation falls on the wrong
side. Found and proved complete by exhaustion: `proofs/correct_rounding.py`. For even and odd functions the input and
the result are magnitudes.
"""

EXCEPTIONS: dict[str, dict[int, int]] = {
    "exp": {},
    "expm1": {0x80000000: 0x80000000},
    "log": {
        0x00000000: 0xFF800000,
        0x80000000: 0xFF800000,
        0x7F800000: 0x7F800000,
        0x3C413D3A: 0xC08E158F,
        0x41178FEB: 0x400FE5E7,
        0x4C5D65A5: 0x418F034B,
        0x65D890D3: 0x4254D1F9,
        0x6F31A8EC: 0x42845A89,
    },
    "log1p": {
        0x80000000: 0x80000000,
        0xBF800000: 0xFF800000,
        0x7F800000: 0x7F800000,
        0x35400003: 0x353FFFFF,
        0x3710001B: 0x370FFFF3,
        0x3EFD81AD: 0x3ECDEEE1,
        0x41078FEB: 0x400FE5E7,
        0x65D890D3: 0x4254D1F9,
        0x6F31A8EC: 0x42845A89,
        0xB53FFFFD: 0xB5400001,
        0xB70FFFE5: 0xB710000D,
        0xBB0EC8C4: 0xBB0EF0A5,
    },
    "sin": {0x00000000: 0x00000000, 0x46199998: 0xBEB1FA5D, 0x55CAFB2A: 0xBF7E7A17},
    "cos": {0x00000000: 0x3F800000, 0x5F18B878: 0x3F7F14BB, 0x6115CB11: 0x3F78142F, 0x7908CD73: 0x3F798BB5},
    "tanh": {},
    "sigmoid": {0xBA928601: 0x3EFFDB5F},
    "erf": {},
    "rsqrt": {},
}
