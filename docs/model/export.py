"""Calibrates a trained network and writes what Imago ships and tests.

    python export.py --net net.pt --pets PETS --out cats_dogs.safetensors [--onnx cats_dogs.onnx]

Writes half-precision tensors with the normalisation folded in, [out, height, width, in], and into
the file's metadata the version, the temperature and the threshold of "neither".
"""

import argparse
import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from data import pets
from net import Net
from train import answers

VERSION = "cats-dogs-1"


def main():
    args = parse()
    torch.set_num_threads(2)
    net = Net().eval()
    net.load_state_dict(torch.load(args.net))
    x, y, names = pets(f"{args.pets}/val")
    # Half precision first: what is calibrated is what is shipped.
    for value in net.state_dict().values():
        if value.dtype.is_floating_point:
            value.copy_(value.half().float())
    tensors = {name: value.half() for name, value in folded(net).items()}
    load_folded(net, tensors)
    net = net.to(memory_format=torch.channels_last)
    # Imago looks twice, the second time in the mirror.
    logits = (answers(net, x) + answers(net, x.flip(3))) / 2
    temperature = fit_temperature(logits[:, 0], y)
    # So few cats and dogs may be taken for neither.
    threshold = logits[:, 1].sort().values[int(len(x) * args.lost)].item()
    metadata = {"version": VERSION, "temperature": f"{temperature:.4f}",
                "pet_threshold": f"{threshold:.4f}"}
    save_file({k: v.contiguous() for k, v in tensors.items()}, args.out, metadata)
    print(json.dumps(metadata), sum(v.numel() for v in tensors.values()), "parameters")
    print(json.dumps(report(logits[:, 0] / temperature, y, names), indent=1))
    if args.onnx:
        export_onnx(net, temperature, args.onnx)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", required=True)
    parser.add_argument("--pets", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--onnx")
    parser.add_argument("--lost", type=float, default=0.0115)
    return parser.parse_args()


def layers(net):
    """(name, convolution, normalisation) of all, in the names of the file."""
    yield "stem.0", *net.stem[0]
    yield "stem.1", *net.stem[2]
    for index, block in enumerate(net.blocks):
        pairs = [part for part in block.body if isinstance(part, nn.Sequential)]
        for at, pair in enumerate(pairs):
            yield f"blocks.{index}.body.{at}", *pair
        if block.widen:
            yield f"blocks.{index}.widen", *block.widen


@torch.no_grad()
def folded(net):
    tensors = {"head.weight": net.head.weight, "head.bias": net.head.bias}
    for name, conv, norm in layers(net):
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = conv.weight * scale[:, None, None, None]
        tensors[f"{name}.bias"] = norm.bias - norm.running_mean * scale
        # A filter of one channel needs no axis for it.
        depthwise = conv.groups > 1
        tensors[f"{name}.weight"] = weight[:, 0] if depthwise else weight.permute(0, 2, 3, 1)
    return tensors


@torch.no_grad()
def load_folded(net, tensors):
    """Puts the shipped numbers back, so that Python answers with them too."""
    net.head.weight.copy_(tensors["head.weight"].float())
    net.head.bias.copy_(tensors["head.bias"].float())
    for name, conv, norm in layers(net):
        weight = tensors[f"{name}.weight"].float()
        conv.weight.copy_(weight[:, None] if weight.ndim == 3 else weight.permute(0, 3, 1, 2))
        norm.weight.fill_(1)
        norm.bias.copy_(tensors[f"{name}.bias"].float())
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)


def fit_temperature(logits, y):
    """The divisor that makes the probabilities of val most likely (arXiv 1706.04599)."""
    candidates = np.geomspace(0.3, 3, 400)
    losses = [F.binary_cross_entropy_with_logits(logits / t, y).item() for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def report(logits, y, names):
    p = logits.sigmoid()
    right = ((p > 0.5) == (y > 0.5)).float()
    sources = sorted({name.split("_")[0] for name in names})
    by_source = {s: [i for i, name in enumerate(names) if name.startswith(f"{s}_")] for s in sources}
    return {
        "accuracy": round(right.mean().item(), 4),
        "cat": round(right[y < 0.5].mean().item(), 4),
        "dog": round(right[y > 0.5].mean().item(), 4),
        "by source": {s: round(right[i].mean().item(), 4) for s, i in by_source.items()},
        "auc": round(auc(p, y), 4),
        "calibration error": round(calibration_error(p, right), 4),
    }


def auc(p, y):
    ranks = p.argsort().argsort().float() + 1
    dogs = y > 0.5
    n, m = dogs.sum().item(), (~dogs).sum().item()
    return (ranks[dogs].sum().item() - n * (n + 1) / 2) / (n * m)


def calibration_error(p, right, bins=10):
    """Mean distance of confidence and accuracy over equally wide bins (arXiv 1706.04599)."""
    confidence = torch.maximum(p, 1 - p)
    bin_of = ((confidence - 0.5) * 2 * bins).long().clamp(max=bins - 1)
    return sum(abs((confidence[bin_of == b] - right[bin_of == b]).sum().item())
               for b in range(bins)) / len(p)


class Exported(nn.Module):
    """uint8 [n, 128, 128, 3] → probabilities [n, 2] of cat and dog."""

    def __init__(self, net, temperature):
        super().__init__()
        self.net, self.temperature = net, temperature

    def forward(self, x):
        dog = (self.net(x.permute(0, 3, 1, 2).float())[:, 0] / self.temperature).sigmoid()
        return torch.stack([1 - dog, dog], 1)


def export_onnx(net, temperature, path):
    sample = torch.zeros(1, 128, 128, 3, dtype=torch.uint8)
    torch.onnx.export(Exported(net, temperature).eval(), (sample,), path,
                      input_names=["picture"], output_names=["probabilities"], dynamo=False,
                      dynamic_axes={"picture": {0: "n"}, "probabilities": {0: "n"}})


if __name__ == "__main__":
    main()
