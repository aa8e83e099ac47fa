/** The exercises of DataInf's three tasks, regenerated: ten kinds in each. */
import type { Random } from "../../trainer/random.ts";

export interface Exercise {
  question: string;
  answer: string;
  /** An answer of the same form, perhaps right by chance: by another transformation, or to the same question with other numbers. */
  otherAnswer(): string;
}

const PEOPLE = ["Anna", "Ben", "Carla", "David", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam"];
const VERBS = ["paints", "carries", "finds", "repairs", "watches", "sells", "opens", "cleans", "follows", "loves"];
const LOOKS = ["old", "green", "heavy", "small", "broken", "quiet", "bright", "strange", "wooden", "cheap"];
const THINGS = ["lamp", "bridge", "garden", "letter", "engine", "window", "basket", "river", "camera", "table"];
const PLACES = ["in the park", "at home", "near the sea", "after lunch", "on Monday", "by train", "in winter", "again"];

const vowel = /[aeiou]/i;
const letters = (text: string, change: (letter: string, n: number) => string) => [...text].map(change).join("");
const words = (text: string, change: (word: string, n: number) => string) => text.split(" ").map(change).join(" ");
const TRANSFORMATIONS: Record<string, (sentence: string) => string> = {
  "Reverse the order of the words": (s) => s.split(" ").reverse().join(" "),
  "Capitalize every other letter": (s) => letters(s, (c, n) => (n % 2 === 0 ? c.toUpperCase() : c.toLowerCase())),
  "Put the number 1 between the words": (s) => s.replaceAll(" ", " 1 "),
  "Replace vowels with *": (s) => letters(s, (c) => (vowel.test(c) ? "*" : c)),
  "Double every consonant": (s) => letters(s, (c) => (/[a-z]/i.test(c) && !vowel.test(c) ? c + c : c)),
  "Capitalize every word": (s) => words(s, (w) => w[0]!.toUpperCase() + w.slice(1)),
  "Remove all vowels": (s) => letters(s, (c) => (vowel.test(c) ? "" : c)),
  "Add ly to the end of each word": (s) => words(s, (w) => `${w}ly`),
  "Remove all consonants": (s) => letters(s, (c) => (/[a-z]/i.test(c) && !vowel.test(c) ? "" : c)),
  "Repeat each word twice": (s) => words(s, (w) => `${w} ${w}`),
};
/** A question with two numbers, the answer, and the way there. */
const PROBLEMS: ((who: string, a: number, b: number) => [question: string, answer: number, reasoning: string])[] = [
  (who, a, b) => [
    `${who} orders ${a} pizzas of 8 slices and friends eat ${b} slices. How many slices are left?`,
    8 * a - b,
    `${a} pizzas have 8 * ${a} = ${8 * a} slices. ${8 * a} - ${b} = ${8 * a - b}.`,
  ],
  (who, a, b) => [
    `${who}'s school sends ${10 * a} pupils and ${b} teachers on a trip. How many people travel?`,
    10 * a + b,
    `Pupils and teachers together are ${10 * a} + ${b} = ${10 * a + b}.`,
  ],
  (who, a, b) => [
    `${who} has ${a} apples and buys ${b} bags of 6 apples. How many apples are there now?`,
    a + 6 * b,
    `${b} bags hold 6 * ${b} = ${6 * b} apples. ${a} + ${6 * b} = ${a + 6 * b}.`,
  ],
  (who, a, b) => [
    `${who} scores ${a} points in each of ${b} games. What is the total score?`,
    a * b,
    `Each game gives ${a} points: ${a} * ${b} = ${a * b}.`,
  ],
  (who, a, b) => [
    `${who} reads ${2 * a} pages on one day and ${2 * b} on the next. What is the average?`,
    a + b,
    `The sum is ${2 * a} + ${2 * b} = ${2 * (a + b)}. Half of it is ${a + b}.`,
  ],
  (who, a, b) => [
    `A recipe needs ${a} eggs and ${who} bakes it ${b} times. How many eggs are needed?`,
    a * b,
    `One cake takes ${a} eggs, ${b} cakes take ${a} * ${b} = ${a * b}.`,
  ],
  (who, a, b) => [
    `${who} saves ${a} dollars a week for ${b} weeks and spends 5. How much money remains?`,
    a * b - 5,
    `The savings are ${a} * ${b} = ${a * b}. ${a * b} - 5 = ${a * b - 5}.`,
  ],
  (who, a, b) => [
    `${who} drives ${10 * a} miles north and ${b} miles back. How far from the start?`,
    10 * a - b,
    `Going back shortens the way: ${10 * a} - ${b} = ${10 * a - b}.`,
  ],
  (who, a, b) => [
    `${a} shelves carry ${b} books each and ${who} adds 3 books. How many books stand there?`,
    a * b + 3,
    `The shelves carry ${a} * ${b} = ${a * b} books. ${a * b} + 3 = ${a * b + 3}.`,
  ],
  (who, a, b) => [
    `${who} cuts a rope of ${a * b} metres into ${b} equal parts. How long is each?`,
    a,
    `Each part is ${a * b} / ${b} = ${a} metres.`,
  ],
];
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random.uniform() * from.length)]!;
const sentence = (random: Random) =>
  `${pick(random, PEOPLE)} ${pick(random, VERBS)} the ${pick(random, LOOKS)} ${pick(random, THINGS)} ${pick(random, PLACES)}`;
function problem(random: Random, kind: number, reasoning: boolean): Exercise {
  const number = () => 2 + Math.floor(18 * random.uniform());
  const who = pick(random, PEOPLE);
  const solved = (): [question: string, answer: string] => {
    const [question, answer, way] = PROBLEMS[kind]!(who, number(), number());
    return [question, `${reasoning ? `${way} ` : ""}Answer: ${answer}`];
  };
  const [question, answer] = solved();
  return { question, answer, otherAnswer: () => solved()[1] };
}

/** Kinds of exercise in a task. */
export const KINDS = 10;

export const TASKS: Record<string, (random: Random, kind: number) => Exercise> = {
  "sentence transformations": (random, kind) => {
    const transformations = Object.entries(TRANSFORMATIONS);
    const [name, change] = transformations[kind]!;
    const text = sentence(random);
    const otherAnswer = () => pick(random, transformations)[1](text);
    return { question: `${name}: ${text}`, answer: change(text), otherAnswer };
  },
  "math without reasoning": (random, kind) => problem(random, kind, false),
  "math with reasoning": (random, kind) => problem(random, kind, true),
};

export const textOf = ({ question, answer }: Exercise): string => `${question} -> ${answer}`;

/** The exercise with an answer that is wrong. */
export function spoiled(exercise: Exercise): Exercise {
  for (;;) {
    const answer = exercise.otherAnswer();
    if (answer !== exercise.answer) return { ...exercise, answer };
  }
}

/** So many of each kind, none twice. */
export function distinct(count: number, make: (kind: number) => Exercise): Exercise[][] {
  return Array.from({ length: KINDS }, (_, kind) => {
    const exercises = new Map<string, Exercise>();
    while (exercises.size < count) {
      const exercise = make(kind);
      exercises.set(textOf(exercise), exercises.get(textOf(exercise)) ?? exercise);
    }
    return [...exercises.values()];
  });
}
