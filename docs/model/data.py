"""Pictures as tensors: pets from their folders, others cut from photos that hold no pet."""

import io
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SIDE = 128
CLASSES = ("cat", "dog")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
Image.MAX_IMAGE_PIXELS = None


def read(source, size=None):
    """A picture as RGB on white, at most `size` wide and high."""
    image = Image.open(source)
    image.draft("RGB", (size or 10_000, size or 10_000))
    if image.mode in ("RGBA", "LA", "P"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    if size:
        image.thumbnail((size, size), Image.BILINEAR)
    return image


def tensor(images):
    """Pictures of one size, uint8 [n, 3, h, w]."""
    return torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2)


def pets(folder):
    """(pictures, 1 for a dog, name) of `<folder>/cat` and `<folder>/dog`, squashed to SIDE²."""
    names = [(path, label) for label, name in enumerate(CLASSES)
             for path in sorted((Path(folder) / name).glob("*.jpg"))]
    images = [read(path) for path, _ in names]
    images = [image if image.size == (SIDE, SIDE) else image.resize((SIDE, SIDE), Image.BILINEAR)
              for image in images]
    labels = torch.tensor([label for _, label in names], dtype=torch.float32)
    return tensor(images), labels, [path.name for path, _ in names]


def others(folders, count, seed=7, excluding=()):
    """`count` crops of the photos and drawings below `folders`, evenly from each folder."""
    chance = random.Random(seed)
    sources = [_sources(folder, excluding) for folder in folders]
    crops = []
    while len(crops) < count:
        photos = sources[len(crops) % len(sources)]
        crops.append(_crop(photos[chance.randrange(len(photos))], chance))
    return tensor(crops)


def _sources(folder, excluding, most=700):
    paths = [path for path in sorted(Path(folder).rglob("*")) if path.suffix.lower() in SUFFIXES
             and not any(word in str(path).lower() for word in excluding)
             and path.stat().st_size > 6_000]
    random.Random(1).shuffle(paths)
    images = []
    for path in paths[:most]:
        try:
            image = read(path, 640)
        except (OSError, ValueError, SyntaxError):
            continue
        if min(image.size) >= 48:
            images.append(image)
    print(f"{folder}: {len(images)} pictures", flush=True)
    return images


def _crop(image, chance):
    """A part of the picture, or the whole, squashed as pets are, through JPEG as theirs went."""
    width, height = image.size
    area = chance.choice([1, chance.uniform(0.08, 1)])
    aspect = chance.uniform(0.75, 1.33)
    w = min(width, max(40, round((width * height * area * aspect) ** 0.5)))
    h = min(height, max(40, round((width * height * area / aspect) ** 0.5)))
    w, h = (width, height) if area == 1 else (w, h)
    x, y = chance.randint(0, width - w), chance.randint(0, height - h)
    small = image.resize((SIDE, SIDE), Image.BILINEAR, box=(x, y, x + w, y + h))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=chance.randint(60, 92))
    return Image.open(data).convert("RGB")


def augment(batch, side):
    """uint8 → float [n, 3, side, side]: a random part, aspect, angle and mirror; colour."""
    n = len(batch)
    area = torch.empty(n).uniform_(0.3, 1)
    aspect = torch.empty(n).uniform_(np.log(3 / 4), np.log(4 / 3)).exp()
    w = (area * aspect).sqrt().clamp(max=1)
    h = (area / aspect).sqrt().clamp(max=1)
    x = (torch.rand(n) * 2 - 1) * (1 - w)
    y = (torch.rand(n) * 2 - 1) * (1 - h)
    angle = torch.empty(n).uniform_(-np.pi / 18, np.pi / 18)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    theta = torch.stack([
        torch.stack([w * angle.cos() * mirror, -h * angle.sin(), x], 1),
        torch.stack([w * angle.sin() * mirror, h * angle.cos(), y], 1),
    ], 1)
    grid = torch.nn.functional.affine_grid(theta, (n, 3, side, side), align_corners=False)
    out = torch.nn.functional.grid_sample(
        batch.float(), grid, padding_mode="reflection", align_corners=False)
    return colour(out)


def colour(x):
    """Brightness, contrast, saturation and hue's cast, each up to about a third."""
    n = len(x)
    gain = lambda spread: 1 + (torch.rand(n, 1, 1, 1) * 2 - 1) * spread
    x = x * gain(0.3)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * gain(0.3)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * gain(0.4)
    x = x * (1 + (torch.rand(n, 3, 1, 1) * 2 - 1) * 0.06)
    return x.clamp(0, 255)
