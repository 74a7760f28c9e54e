"""Trains the cats-and-dogs network on two CPU cores, from nothing.

    python train.py --pets PETS --others FOLDER [FOLDER …] --out net.pt [--epochs 60]

PETS holds train/{cat,dog} and val/{cat,dog}; the others are folders of pictures without a pet.
"""

import argparse
import copy
import math
import time

import torch
import torch.nn.functional as F

from data import augment, others, pets
from net import Net

BATCH, OTHERS_IN_BATCH = 64, 16
RATE, WARM_UP, DECAY, AVERAGE = 3e-3, 3, 0.05, 0.998
# A label is 3 % wrong: the data has such pictures, and it keeps confidence honest.
SOFT = 0.03


def main():
    args = parse()
    torch.set_num_threads(2)
    torch.manual_seed(args.seed)
    x, y, _ = pets(f"{args.pets}/train")
    val_x, val_y, _ = pets(f"{args.pets}/val")
    rest = others(args.others, args.count, excluding=args.excluding)
    held = rest[: args.count // 10]
    rest = rest[args.count // 10:]
    print(f"{len(x)} pets, {len(rest)} others, {len(val_x)} kept apart", flush=True)

    net = Net().to(memory_format=torch.channels_last)
    if args.resume:
        net.load_state_dict(torch.load(args.resume))
    mean = copy.deepcopy(net).eval()
    optimizer = torch.optim.AdamW(grouped(net), lr=RATE, betas=(0.9, 0.99))
    steps = len(x) // BATCH
    for epoch in range(args.start, args.epochs):
        began, total = time.time(), 0.0
        done = epoch / args.epochs
        side = 80 if done < 0.3 else 96 if done < 0.93 else 112
        order = torch.randperm(len(x))
        for step in range(steps):
            rate(optimizer, epoch + step / steps, args.epochs)
            chosen = order[step * BATCH:(step + 1) * BATCH]
            loss = train_step(net, optimizer, x[chosen], y[chosen], rest, side, mixes=done < 0.85)
            seen = (epoch - args.start) * steps + step
            follow(mean, net, min(AVERAGE, (1 + seen) / (10 + seen)))
            total += loss
        line = f"epoch {epoch + 1} side {side} loss {total / steps:.4f} {time.time() - began:.0f} s"
        if epoch % 2 == 1 or epoch == args.epochs - 1:
            line += f" | {judge(mean, val_x, val_y, held)}"
            torch.save(mean.state_dict(), args.out)
        print(line, flush=True)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pets", required=True)
    parser.add_argument("--others", nargs="+", required=True)
    parser.add_argument("--excluding", nargs="*", default=["cat", "dog", "puppy", "kitten", "fossa", "chelsea"])
    parser.add_argument("--count", type=int, default=12_000)
    parser.add_argument("--out", default="net.pt")
    parser.add_argument("--epochs", type=int, default=42)
    parser.add_argument("--resume", help="weights that an earlier run left")
    parser.add_argument("--start", type=int, default=0, help="the epoch to go on with")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def grouped(net):
    """Weight decay on weights alone, not on biases and normalisation."""
    weights = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0}]


def rate(optimizer, epoch, epochs):
    warm = min(1, epoch / WARM_UP)
    for group in optimizer.param_groups:
        group["lr"] = RATE * warm * (1 + math.cos(math.pi * epoch / epochs)) / 2


def train_step(net, optimizer, x, y, rest, side, mixes):
    net.train()
    x = augment(x, side)
    target = y * (1 - 2 * SOFT) + SOFT
    if mixes and torch.rand(()) < 0.4:
        x, target = mix(x, target)
    other = augment(rest[torch.randint(len(rest), (OTHERS_IN_BATCH,))], side)
    batch = torch.cat([x, other]).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net(batch)
    logits = logits.float()
    is_pet = torch.cat([torch.full((len(x),), 0.98), torch.full((len(other),), 0.02)])
    loss = F.binary_cross_entropy_with_logits(logits[:len(x), 0], target)
    loss = loss + 0.5 * F.binary_cross_entropy_with_logits(logits[:, 1], is_pet)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def mix(x, target):
    """Mixup (arXiv 1710.09412) or CutMix (arXiv 1905.04899), one or the other."""
    order = torch.randperm(len(x))
    if torch.rand(()) < 0.5:
        share = torch.distributions.Beta(0.2, 0.2).sample()
        return share * x + (1 - share) * x[order], share * target + (1 - share) * target[order]
    side = x.shape[-1]
    cut = int(side * torch.empty(()).uniform_(0.2, 0.7))
    left, top = torch.randint(side - cut + 1, (2,)).tolist()
    x = x.clone()
    x[:, :, top:top + cut, left:left + cut] = x[order][:, :, top:top + cut, left:left + cut]
    share = 1 - (cut / side) ** 2
    return x, share * target + (1 - share) * target[order]


@torch.no_grad()
def follow(mean, net, share):
    """An average over the last steps' weights, which is what is kept."""
    for slow, fast in zip(mean.state_dict().values(), net.state_dict().values()):
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1 - share)
        else:
            slow.copy_(fast)


@torch.no_grad()
def judge(net, x, y, held):
    logits = answers(net, x)
    right = ((logits[:, 0] > 0) == (y > 0.5)).float().mean()
    edge = logits[:, 1].sort().values[len(x) // 100]
    unknown = (answers(net, held)[:, 1] < edge).float().mean()
    return f"val {100 * right:.2f} %, others below the pets' first percentile {100 * unknown:.1f} %"


@torch.no_grad()
def answers(net, x):
    batches = [net(part.float().contiguous(memory_format=torch.channels_last)) for part in x.split(100)]
    return torch.cat(batches)


if __name__ == "__main__":
    main()
