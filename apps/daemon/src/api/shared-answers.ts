/** Answers that cost something and are the same for everybody, given to all who ask for them at about the same time. */
export class SharedAnswers<Answer> {
  private readonly lastMs: number;
  private readonly answers = new Map<string, { at: number; answer: Promise<Answer> }>();

  /** @param lastMs for how long an answer is given again */
  constructor(lastMs: number) {
    this.lastMs = lastMs;
  }

  /** @param make how the answer to this question is made; one that fails is not kept */
  of(question: string, make: () => Promise<Answer>): Promise<Answer> {
    const now = performance.now();
    for (const [key, { at }] of this.answers) if (now - at > this.lastMs) this.answers.delete(key);
    const known = this.answers.get(question);
    if (known) return known.answer;
    const answer = make();
    this.answers.set(question, { at: now, answer });
    answer.catch(() => this.answers.delete(question));
    return answer;
  }
}
