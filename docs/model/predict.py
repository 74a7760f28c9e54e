"""Answers as Imago does, from the shipped file, one line of JSON a picture.

    python predict.py --model cats_dogs.safetensors PICTURE [PICTURE …] > answers.jsonl
"""

import argparse
import json

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors import safe_open

from data import SIDE, read
from export import load_folded
from net import Net

# Imago hands pictures on in at most this size.
LARGEST = 512


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("pictures", nargs="+")
    args = parser.parse_args()
    torch.set_num_threads(2)
    with safe_open(args.model, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    net = Net().eval()
    load_folded(net, tensors)
    for path in args.pictures:
        dog, pet = look(net, path)
        dog /= float(metadata["temperature"])
        print(json.dumps({"file": path, "dog": 1 / (1 + np.exp(-dog)), "pet_logit": pet}))


@torch.no_grad()
def look(net, path):
    image = ImageOps.exif_transpose(read(path))
    width, height = image.size
    scale = LARGEST / max(width, height)
    if scale < 1:
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        image = image.resize((width, height), Image.LANCZOS)
    pixels = np.asarray(image)
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    middle = lanczos(pixels[top:top + side, left:left + side], SIDE, SIDE)
    views = [lanczos(pixels, SIDE, SIDE), middle[:, ::-1]]
    x = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).float()
    return net(x).mean(0).tolist()


def lanczos(pixels, width, height):
    """Three lobes, widened when shrinking; rows first (lib/imaging/resample.ts does the same)."""
    if pixels.shape[1] == width and pixels.shape[0] == height:
        return pixels
    across = weights(pixels.shape[1], width) @ pixels.astype(np.float32)
    down = np.tensordot(weights(pixels.shape[0], height), across, 1)
    return np.rint(down.clip(0, 255)).astype(np.uint8)


def weights(before, after):
    scale = max(1, before / after)
    centres = (np.arange(after) + 0.5) * (before / after) - 0.5
    x = (np.arange(before)[None, :] - centres[:, None]) / scale
    taps = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    return (taps / taps.sum(1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main()
