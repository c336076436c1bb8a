// The model: a network with one hidden layer (ReLU, softmax), trained by stochastic gradient descent with momentum.
import { DIGITS, type Digits, PIXELS } from "./digits.ts";
import { randomFrom } from "./random.ts";

/** What is searched for. */
export interface Settings {
  readonly hidden: number;
  readonly learningRate: number;
  readonly momentum: number;
  readonly batch: number;
  /** How the numbers begin, and the order of the images. */
  readonly seed: number;
}

/** Numbers of one layer: a row for each output, with its bias at the end. */
class Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: Float64Array;
  readonly gradient: Float64Array;
  private readonly velocity: Float64Array;

  constructor(inputs: number, outputs: number, random: () => number) {
    this.inputs = inputs;
    this.outputs = outputs;
    const size = outputs * (inputs + 1);
    const scale = Math.sqrt(6 / inputs);
    this.weights = Float64Array.from({ length: size }, () => (2 * random() - 1) * scale);
    this.gradient = new Float64Array(size);
    this.velocity = new Float64Array(size);
  }

  forward(input: Float64Array, output: Float64Array): void {
    const { inputs, outputs, weights } = this;
    for (let o = 0, w = 0; o < outputs; o++, w++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++, w++) sum += (weights[w] as number) * (input[i] as number);
      output[o] = sum + (weights[w] as number);
    }
  }

  /** Adds to the gradient; gives what the inputs have to do with it to `back`, if there is one. */
  backward(input: Float64Array, error: Float64Array, back?: Float64Array): void {
    const { inputs, outputs, weights, gradient } = this;
    back?.fill(0);
    for (let o = 0, w = 0; o < outputs; o++, w++) {
      const e = error[o] as number;
      for (let i = 0; i < inputs; i++, w++) {
        (gradient[w] as number) += e * (input[i] as number);
        if (back !== undefined) (back[i] as number) += e * (weights[w] as number);
      }
      (gradient[w] as number) += e;
    }
  }

  step({ learningRate, momentum, batch }: Settings): void {
    const { weights, gradient, velocity } = this;
    for (let w = 0; w < weights.length; w++) {
      velocity[w] = momentum * (velocity[w] as number) - (learningRate / batch) * (gradient[w] as number);
      (weights[w] as number) += velocity[w] as number;
    }
    gradient.fill(0);
  }
}

export class Network {
  private readonly settings: Settings;
  private readonly random: () => number;
  private readonly first: Layer;
  private readonly second: Layer;
  private readonly hidden: Float64Array;
  private readonly output: Float64Array;

  constructor(settings: Settings) {
    this.settings = settings;
    this.random = randomFrom(settings.seed);
    this.first = new Layer(PIXELS, settings.hidden, this.random);
    this.second = new Layer(settings.hidden, DIGITS, this.random);
    this.hidden = new Float64Array(settings.hidden);
    this.output = new Float64Array(DIGITS);
  }

  /** Sees every image once, in batches. */
  learn({ images, labels }: Digits): void {
    const { batch } = this.settings;
    const back = new Float64Array(this.settings.hidden);
    const order = Array.from(labels, (_, i) => ({ i, at: this.random() })).sort((a, b) => a.at - b.at);
    order.forEach(({ i }, seen) => {
      const image = images.subarray(i * PIXELS, (i + 1) * PIXELS);
      this.run(image);
      const label = labels[i] as number;
      (this.output[label] as number) -= 1; // softmax and cross entropy, derived together
      this.second.backward(this.hidden, this.output, back);
      for (let h = 0; h < back.length; h++) if (this.hidden[h] === 0) back[h] = 0;
      this.first.backward(image, back);
      if ((seen + 1) % batch > 0 && seen + 1 < order.length) return;
      this.first.step(this.settings);
      this.second.step(this.settings);
    });
  }

  /** The share of the images that it takes for what they are. */
  accuracy({ images, labels }: Digits): number {
    let right = 0;
    labels.forEach((label, i) => {
      this.run(images.subarray(i * PIXELS, (i + 1) * PIXELS));
      if (this.output.indexOf(Math.max(...this.output)) === label) right++;
    });
    return right / labels.length;
  }

  private run(image: Float64Array): void {
    const { first, second, hidden, output } = this;
    first.forward(image, hidden);
    for (let h = 0; h < hidden.length; h++) hidden[h] = Math.max(0, hidden[h] as number);
    second.forward(hidden, output);
    const largest = Math.max(...output);
    let sum = 0;
    for (let o = 0; o < output.length; o++) sum += output[o] = Math.exp((output[o] as number) - largest);
    for (let o = 0; o < output.length; o++) (output[o] as number) /= sum;
  }
}
