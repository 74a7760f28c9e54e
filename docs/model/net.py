"""The network: small enough for plain TypeScript to run it, residual, trained from nothing.

Two answers from one trunk: is it a dog rather than a cat, and is there either at all.
"""

import torch
import torch.nn.functional as F
from torch import nn


def conv_bn(inside, outside, kernel=3, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outside),
    )


class Block(nn.Module):
    """relu(skip(x) + body(x)); the skip halves by averaging and widens by a 1×1 convolution."""

    def __init__(self, inside, outside, stride, separable):
        super().__init__()
        if separable:
            self.body = nn.Sequential(
                conv_bn(inside, inside, stride=stride, groups=inside),
                conv_bn(inside, outside, kernel=1),
                nn.ReLU(),
                conv_bn(outside, outside, groups=outside),
                conv_bn(outside, outside, kernel=1),
            )
        else:
            self.body = nn.Sequential(
                conv_bn(inside, outside, stride=stride),
                nn.ReLU(),
                conv_bn(outside, outside),
            )
        self.halve = nn.AvgPool2d(2) if stride == 2 else None
        self.widen = conv_bn(inside, outside, kernel=1) if inside != outside else None
        # Each block begins as its skip alone (Goyal et al. 2017, arXiv 1706.02677, 5.1).
        nn.init.zeros_(self.body[-1][1].weight)

    def forward(self, x):
        skip = self.halve(x) if self.halve else x
        skip = self.widen(skip) if self.widen else skip
        return F.relu(skip + self.body(x))


# (channels, stride, separable)
BLOCKS = [
    (64, 2, False),
    (128, 2, False),
    (128, 1, True),
    (128, 1, True),
    (256, 2, True),
    (256, 1, True),
]
FEATURES = BLOCKS[-1][0]


class Net(nn.Module):
    """uint8 or float 0..255, [n, 3, h, w] → logits [n, 2]: dog rather than cat, a pet at all."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 24, stride=2), nn.ReLU(), conv_bn(24, 32), nn.ReLU())
        inside, blocks = 32, []
        for outside, stride, separable in BLOCKS:
            blocks.append(Block(inside, outside, stride, separable))
            inside = outside
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(FEATURES, 2)

    def features(self, x):
        return self.blocks(self.stem(x / 255)).mean((2, 3))

    def forward(self, x):
        return self.head(F.dropout(self.features(x), 0.2, self.training))
