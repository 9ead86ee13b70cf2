#!/usr/bin/env python3
"""Makes the files beside it: JPEGs by PIL, and as PNG what PIL itself reads back from each.

Debian: python3-pil python3-numpy. libjpeg-turbo's decoder gives the same bits everywhere.
"""
import pathlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 11 + y * 3, x * 5 + y * 9 + 40, 255 - x * 7 + y * 2]
    return Image.fromarray(np.stack([c % 256 for c in channels], -1).astype(np.uint8))


def save(image, name, **options):
    image.save(HERE / f"{name}.jpg", **options)
    back = Image.open(HERE / f"{name}.jpg")
    back.convert("RGB").save(HERE / f"{name}_rgb.png")
    back.convert("L").save(HERE / f"{name}_grey.png")


rgb = picture(23, 14)
save(rgb, "plain", quality=85)
save(rgb, "progressive", quality=85, progressive=True, subsampling=0)
save(rgb.convert("L"), "grey", quality=85)
save(rgb.convert("CMYK"), "cmyk", quality=90)
