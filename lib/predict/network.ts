import {
  add,
  convolution,
  depthwise,
  type Grid,
  halve,
  type Layer,
  means,
  relu,
  type Weights,
} from "./layers.ts";
import type { Tensor } from "./safetensors.ts";

/** The side of the square picture that the network looks at, in pixels. */
export const SIDE = 128;

/** The numbers in which the network sums up a picture; whatever is answered follows from them. */
export type Features = Float32Array;

/** Built as `docs/model/net.py` trains it: output channels, stride, and whether it is separable. */
const BLOCKS: readonly [channels: number, stride: 1 | 2, separable: boolean][] = [
  [64, 2, false],
  [128, 2, false],
  [128, 1, true],
  [128, 1, true],
  [256, 2, true],
  [256, 1, true],
];

/**
 * The trunk of the network from its tensors. It takes `SIDE`² pixels of RGB, 0..255. Throws when a
 * tensor is missing.
 */
export function createNetwork(tensors: Map<string, Tensor>) {
  const weights = (name: string): Weights => ({
    weight: tensorOf(tensors, `${name}.weight`),
    bias: tensorOf(tensors, `${name}.bias`).data,
  });
  const stem = chain([
    convolution(weights("stem.0"), 2),
    relu,
    convolution(weights("stem.1"), 1),
    relu,
  ]);
  const trunk = chain([stem, ...BLOCKS.map((_, index) => block(index, weights))]);

  return (pixels: Uint8Array): Features => means(trunk(grid(pixels)));
}

/** The tensor of that name; throws where there is none. */
export function tensorOf(tensors: Map<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`The model has no tensor "${name}"`);
  return tensor;
}

function grid(pixels: Uint8Array): Grid {
  const data = Float32Array.from(pixels, (value) => value / 255);
  return { width: SIDE, height: SIDE, channels: 3, data };
}

/** relu(skip + body): the skip halves by averaging and widens by a 1×1 convolution. */
function block(index: number, weights: (name: string) => Weights): Layer {
  const [channels, stride, separable] = BLOCKS[index]!;
  const named = (part: string) => weights(`blocks.${index}.${part}`);
  const body = chain(separable ? separableBody(named, stride) : plainBody(named, stride));
  const widens = channels !== (BLOCKS[index - 1]?.[0] ?? 32);
  const skip = chain([
    ...(stride === 2 ? [halve] : []),
    ...(widens ? [convolution(named("widen"), 1)] : []),
  ]);
  return (input) => relu(add(body(input), skip(input)));
}

function plainBody(named: (part: string) => Weights, stride: number): Layer[] {
  return [convolution(named("body.0"), stride), relu, convolution(named("body.1"), 1)];
}

function separableBody(named: (part: string) => Weights, stride: number): Layer[] {
  return [
    depthwise(named("body.0"), stride),
    convolution(named("body.1"), 1),
    relu,
    depthwise(named("body.2"), 1),
    convolution(named("body.3"), 1),
  ];
}

function chain(layers: Layer[]): Layer {
  return (grid) => layers.reduce((value, layer) => layer(value), grid);
}
