import { NUMBER, NUMBER_END, nameOf, numberOf, PAIR_FORM } from './figures.js';
import type { Observation } from './formats.js';

type Place = Pick<Observation, 'epoch' | 'epochs' | 'step' | 'steps'>;

/** What people print of a training loop. Other figures on a line are nobody's curve. */
const KNOWN =
  /(?:^|[_\s/])(?:loss|acc|accuracy|ppl|perplexity|lr|learning_rate|grad_norm|reward|return|score|f1|auc|bleu|wer|cer|mse|rmse|mae|err|error|iou|map|psnr|ssim|kl|entropy|precision|recall)(?:$|[_\s/\d@])/i;

const VALIDATION = 'val|valid|validation|validating|test|testing|eval|evaluation|evaluating';
/** A count, whole: neither the beginning of a fraction nor of "1,000". */
const COUNT = String.raw`(\d+)\b(?!\s*[./]\d|,\d)`;
const OF = String.raw`(\d+)\s*(?:\/|of)\s*(\d+)\b(?![.,]\d)`;
const IN_BRACKETS = String.raw`\[\s*(\d+)\s*\/\s*(\d+)\s*\]`;
const BEFORE_COUNT = String.raw`\s*[:#=]?\s*[[(]?\s*`;
/** Stands where a place was: nobody prints it. */
const GAP = '␟';

/** How lines say where in the training they are, and what the numbers of each form count. Several in the plural are a setting. */
const PLACES: readonly [RegExp, readonly (keyof Place)[]][] = [
  // PyTorch's classifier tutorial: "[1,  2000] loss: 2.218"; its DCGAN: "[0/5][50/1583] Loss_D: 0.5".
  [/^\[(\d+),\s*(\d+)\](?=\s*loss\b)/i, ['epoch', 'step']],
  [/^\[(\d+)\/(\d+)\]\s*\[(\d+)\/(\d+)\](?=\s*loss)/i, ['epoch', 'epochs', 'step', 'steps']],
  [new RegExp(String.raw`\bepochs?${BEFORE_COUNT}${OF}`, 'i'), ['epoch', 'epochs']],
  [new RegExp(String.raw`(?<!\b(?:max|num|total|warm-?up)\s)\bepoch${BEFORE_COUNT}${COUNT}`, 'i'), ['epoch']],
  [
    new RegExp(String.raw`\b(?:global[_ ]step|step|iter(?:ation)?|it|batch)s?${BEFORE_COUNT}${OF}`, 'i'),
    ['step', 'steps'],
  ],
  // PyTorch's language model: "| epoch   1 |   200/ 2928 batches | lr 20.00".
  [new RegExp(String.raw`\b${OF}\s+(?:batches|steps|iterations)\b`, 'i'), ['step', 'steps']],
  // PyTorch's MNIST: "Train Epoch: 1 [640/60000 (1%)]".
  [/\[(\d+)\/(\d+)\s*\(\s*\d+%\)\]/, ['step', 'steps']],
  // Its ImageNet: "Epoch: [0][ 100/5005]", "Test: [ 1/196]".
  [
    new RegExp(String.raw`(?:(?<=^(?:${VALIDATION})\s{0,2}:?)|${GAP}[\]):,\s|]{0,4})\s*${IN_BRACKETS}`, 'i'),
    ['step', 'steps'],
  ],
  // Its quickstart: "loss: 2.303521  [   64/60000]".
  [new RegExp(String.raw`(?<=^loss: {1,9}[\w.+-]{1,20} {1,4})${IN_BRACKETS}$`), ['step', 'steps']],
  [
    new RegExp(String.raw`\b(?:global[_ ]step|step|iter(?:ation)?|batch)${BEFORE_COUNT}${COUNT}`, 'i'),
    ['step'],
  ],
];

/** What all of these have one of: most lines of a log have none, and are passed over quickly. */
const ANY_PLACE = /epoch|step|iter|batch|\bits?\b|\[\s*\d/i;

const FORMS: readonly string[] = [
  PAIR_FORM,
  // nanoGPT: "step 200: train loss 3.5688, val loss 3.5900"; PyTorch's examples: "Acc@1   0.78", "valid ppl    30.45".
  String.raw`\b((?:(?:train|${VALIDATION})\s+)?(?:loss|ppl|lr|acc(?:uracy)?(?:@\d+)?))\s+(${NUMBER})`,
  // "Loss after epoch 3: 0.25".
  String.raw`\b((?:[a-z]+\s+)?loss)\s+(?:after|at|for|in)[\s,${GAP}]{1,20}(?:[:=]|is\b)\s*(${NUMBER})`,
];
const FIGURES = FORMS.map((form) => new RegExp(form + NUMBER_END, 'gi'));
/** Those with units too, such as "Validation Accuracy: 90.1%". */
const ALL_FIGURES = FORMS.map((form) => new RegExp(form, 'gi'));

/** Before the place they say that it is another one than where the training is, or none. */
const ELSEWHERE =
  /\b(?:args|config|settings|best|(?:re)?load(?:ed|ing)?|resum(?:e|ed|ing)|restor(?:e|ed|ing)|sav(?:e|ed|ing)|stop(?:ped|ping)?)\b/i;
/** No part of a path or of a longer name. */
const PHASES = new RegExp(String.raw`(?<![\w./])(?:train|training|(${VALIDATION}))(?![\w./])`, 'gi');
const HAS_PHASE = new RegExp(`^(?:train|training|${VALIDATION})(?:_|/|$)`);
const HEADING = /^\W*epoch\W+\d+(?:\s*(?:\/|of)\s*\d+)?\W*$/i;

/** Reads a line that a training loop prints; null: it doesn't say where in the training it is, or nothing of it. */
export function readPrint(line: string): Observation | null {
  if (!ANY_PLACE.test(line)) return null;
  const { place, rest, before } = placeIn(line);
  if (Object.keys(place).length === 0 || ELSEWHERE.test(before)) return null;
  // "Epoch 3/10" alone, as Keras prints it, is progress too.
  if (HEADING.test(line)) return { source: 'print', ...place, metrics: {} };
  const { metrics, isValidation } = figuresIn(rest);
  const names = Object.keys(metrics);
  if (names.length === 0) return null;
  const isSetting = names.every((name) => name === 'lr' || name === 'learning_rate');
  if (isSetting && place.epoch === undefined && place.steps === undefined) return null;
  // Its steps are those of the validation: figures of it lie where the training is.
  const { step, steps, ...epoch } = place;
  return { source: 'print', ...(isValidation ? epoch : place), metrics };
}

/** Where in the training a piece of text is. */
export function placeIn(text: string): {
  place: Place;
  /** The text without it: it is no part of the names of figures. */
  rest: string;
  /** What comes before it. */
  before: string;
} {
  const place: Place = {};
  let rest = text;
  for (const [pattern, counts] of PLACES) {
    const found = pattern.exec(rest);
    if (!found) continue;
    if (!counts.some((count) => count in place))
      counts.forEach((count, i) => {
        place[count] = Number(found[i + 1]);
      });
    rest = rest.replace(pattern, ` ${GAP} `);
  }
  return { place, rest, before: rest.split(GAP, 1)[0] as string };
}

function figuresIn(text: string): { metrics: Record<string, number>; isValidation: boolean } {
  const found = FIGURES.flatMap((pattern) => [...text.matchAll(pattern)]);
  // The name of a figure says nothing of others.
  const between = ALL_FIGURES.reduce(
    (left, pattern) => left.replace(pattern, (figure) => ' '.repeat(figure.length)),
    text,
  );
  const first = Math.min(...found.map(({ index }) => index));
  const phases = [...between.matchAll(PHASES)].filter(
    ({ 0: word, index }) => index < first || /^\s*[:\])]/.test(between.slice(index + word.length)),
  );
  const metrics: Record<string, number> = {};
  let isValidation = true;
  for (const { 1: told, 2: value, index } of found) {
    const name = nameOf(told as string);
    if (!KNOWN.test(name)) continue;
    const phase = phases.findLast((each) => each.index < index) ?? phases[0];
    const isOfValidation = phase?.[1] !== undefined;
    isValidation &&= isOfValidation;
    metrics[isOfValidation && !HAS_PHASE.test(name) ? `val_${name}` : name] = numberOf(value as string);
  }
  return { metrics, isValidation };
}
