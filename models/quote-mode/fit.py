#!/usr/bin/env python3
"""Fits the numbers of quote mode (src/agents/quote/weights.rs) on tuning questions.

    cargo run -p millwright-agents --example golden -- \
        assets/sample-plant DATA_DIR PARSE_WORKER MODEL_WORKER features > plant.jsonl
    cargo run -p millwright-agents --example golden -- \
        models/quote-mode/dairy OTHER_DIR PARSE_WORKER MODEL_WORKER features > dairy.jsonl
    python3 models/quote-mode/fit.py plant.jsonl dairy.jsonl

Input: one question per line with what was measured of its candidate sentences. The example writes
the tuning half of golden.jsonl (ids q...), tuning.jsonl (ids t...) and the questions of another plant
(ids d...), so the reported half can't be fitted on by accident.

1. Order. A linear sum of the features; the loss is the cross entropy of "a right sentence comes
   first" over the candidates of each answerable question (softmax), with a ridge that pulls towards
   PRIORS. Weights keep the sign of the prior.
2. Decision. Logistic regression on the first candidate of every question after that order: label 1
   when one of the sentences that would be quoted is right, again with a ridge towards the prior
   (Newton's method).
3. Threshold. The smallest at which ten-fold cross validation refuses REFUSED_SHARE of the
   unanswerable questions of the golden set's tuning half, which are mixed as people ask, and
   NEAR_MISSES_REFUSED_SHARE of those of the other sets, most of which are near misses; the median over
   shuffles.

Besides cross validation it prints what the plant's questions alone teach about the other plant, and
the other way round: documents and words of the one are unknown to the fit on the other.

Needs numpy.
"""

import json
import random
import sys

import numpy as np

# Feature: (prior of the order, prior of the decision).
PRIORS = {
    "coverage": (1.2, 1.0), "coverage_near": (0.8, 0.5), "coverage_context": (1.0, 2.0),
    "coverage_passage": (0.2, 1.0), "missing": (-0.3, -1.5), "missing_passage": (-0.1, -2.0),
    "named": (0.8, 0.5), "named_context": (0.8, 2.5), "named_passage": (0.2, 1.5),
    "named_first": (0.4, 0.3), "kind_present": (0.5, 0.5), "kind_absent": (-1.0, -2.5),
    "loose_present": (0.3, 0.3), "loose_absent": (-0.3, -0.5),
    "dense": (1.2, 3.0), "dense_passage": (0.2, 1.0), "retrieval": (0.6, 0.5),
    "novelty": (0.3, 0.3), "phrase": (0.5, 0.5), "is_row": (0.0, 0.0), "row_key": (0.2, 0.2),
    "is_fragment": (-0.5, -0.5), "negated": (-0.5, -0.3),
    "missing_further": (-0.2, -0.5), "unknown": (0.0, -1.0), "asked": (0.5, 1.0),
    "asked_last": (0.3, 0.5), "soft_present": (0.3, 0.3), "soft_absent": (-0.3, -0.3),
    "items": (0.1, 0.1),
}
NAMES = list(PRIORS)
RANK_PRIOR = np.array([rank for rank, _ in PRIORS.values()])
DECISION_PRIOR = np.array([decision for _, decision in PRIORS.values()])
DECISION_BIAS_PRIOR = -6.0
RANK_RIDGE = 0.01
DECISION_RIDGE = 0.02
# As in src/agents/quote/mod.rs: how many sentences are quoted, and how near to the best in rank, the
# one that follows the best in its paragraph and those of other documents apart; the steps that a
# lead-in announces.
QUOTES_MAX = 3
FURTHER_MARGIN = 2.1
FOLLOWING_MARGIN = 4.0
OTHER_DOCUMENT_MARGIN = 1.0
STEPS_MAX = 8
REFUSED_SHARE = 0.9
NEAR_MISSES_REFUSED_SHARE = 0.8
FOLDS = 10
SHUFFLES = 5


class Question:
    """One line of the input."""

    def __init__(self, line):
        self.raw = json.loads(line)
        self.id = self.raw["id"]
        self.answerable = self.raw["wanted"] == "answerable"
        self.found = self.raw["candidates"]
        features = [[c["features"][n] for n in NAMES] for c in self.found]
        self.x = np.array(features).reshape(-1, len(NAMES))
        self.y = np.array([c["right"] for c in self.found], dtype=bool)

    def best(self, rank):
        """Index of the best sentence."""
        return int(np.argmax(self.x @ rank))

    def quoted(self, rank):
        """Indices of the sentences that would be quoted, best first."""
        scores = self.x @ rank
        order = np.argsort(-scores, kind="stable")
        best = self.found[order[0]]
        steps = [i for i, c in enumerate(self.found) if best["quote"].endswith(":")
                 and c["lead"] == best["quote"] and c["place"][0] == best["place"][0]]
        if steps:
            steps.sort(key=lambda i: self.found[i]["place"])
            return [order[0], *steps[:STEPS_MAX]]
        good = []
        for i in order:
            c = self.found[i]
            follows = c["before"] == best["quote"] and c["place"][0] == best["place"][0]
            if follows:
                margin = FOLLOWING_MARGIN
            elif c["document"] == best["document"]:
                margin = FURTHER_MARGIN
            else:
                margin = OTHER_DOCUMENT_MARGIN
            if scores[order[0]] - scores[i] <= margin:
                good.append(i)
        return good[:QUOTES_MAX]

    def is_right(self, rank):
        """Whether one of them is right."""
        return self.answerable and any(self.y[i] for i in self.quoted(rank))


def fit_rank(questions, steps=150, rate=0.5):
    data = [q for q in questions if q.answerable and q.y.any()]
    w = RANK_PRIOR.copy()
    for _ in range(steps):
        gradient = RANK_RIDGE * (w - RANK_PRIOR)
        for q in data:
            scores = q.x @ w
            e = np.exp(scores - scores.max())
            gradient += q.x.T @ (e / e.sum() - e * q.y / (e * q.y).sum()) / len(data)
        w = w - rate * gradient
        w = np.where((RANK_PRIOR != 0) & (w * RANK_PRIOR < 0), 0.0, w)
    return w


def fit_decision(questions, rank, steps=60):
    data = [q for q in questions if len(q.x)]
    a = np.array([np.append(q.x[q.best(rank)], 1.0) for q in data])
    y = np.array([float(q.is_right(rank)) for q in data])
    prior = np.append(DECISION_PRIOR, DECISION_BIAS_PRIOR)
    ridge = np.append(np.full(len(NAMES), DECISION_RIDGE), 1e-3) * len(data)

    def loss(w):
        z = a @ w
        return np.sum(np.logaddexp(0, z) - y * z) + 0.5 * np.sum(ridge * (w - prior) ** 2)

    w = prior.copy()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(a @ w, -30, 30)))
        gradient = a.T @ (p - y) + ridge * (w - prior)
        step = np.linalg.solve((a * (p * (1 - p))[:, None]).T @ a + np.diag(ridge), gradient)
        size = 1.0
        while loss(w - size * step) > loss(w) and size > 1e-4:
            size /= 2
        w = w - size * step
        if np.abs(size * step).max() < 1e-5:
            break
    return w


def scored(train, test):
    """Fits on `train`; of every question of `test` its probability and whether it is right."""
    rank = fit_rank(train)
    decision = fit_decision(train, rank)
    out = []
    for q in test:
        if not len(q.x):
            out.append((q, 0.0, False))
            continue
        z = np.append(q.x[q.best(rank)], 1.0) @ decision
        out.append((q, float(1 / (1 + np.exp(-np.clip(z, -30, 30)))), q.is_right(rank)))
    return out


def cross_validate(questions, seed):
    order = list(range(len(questions)))
    random.Random(seed).shuffle(order)
    run = []
    for fold in range(FOLDS):
        train = [questions[i] for n, i in enumerate(order) if n % FOLDS != fold]
        run += scored(train, [questions[i] for n, i in enumerate(order) if n % FOLDS == fold])
    return run


SETS = {"q": "golden", "t": "tuning.jsonl", "d": "dairy"}


def threshold_of(run):
    refused = [(q.id.startswith("q"), p) for q, p, _ in run if not q.answerable]
    golden = [p for is_golden, p in refused if is_golden]
    further = [p for is_golden, p in refused if not is_golden]
    for threshold in (t / 100 for t in range(20, 96)):
        enough = sum(p < threshold for p in golden) >= REFUSED_SHARE * len(golden)
        if enough and sum(p < threshold for p in further) >= NEAR_MISSES_REFUSED_SHARE * len(further):
            return threshold
    return 0.95


def show(title, run, threshold):
    parts = []
    for letter, name in SETS.items():
        of_set = [s for s in run if s[0].id.startswith(letter)]
        answerable = [s for s in of_set if s[0].answerable]
        others = [s for s in of_set if not s[0].answerable]
        if not of_set:
            continue
        right = sum(r and p >= threshold for _, p, r in answerable)
        wrong = sum(not r and p >= threshold for _, p, r in answerable)
        refused = sum(p < threshold for _, p, _ in others)
        parts.append(f"{name} {right}/{len(answerable)} right, {wrong} wrong, "
                     f"{refused}/{len(others)} refused")
    print(f"{title}: " + "; ".join(parts))


def rust(values):
    return "[" + ", ".join(f"{v:.3f}" for v in values) + "]"


def main():
    questions = []
    for path in (a for a in sys.argv[1:] if a != "-v"):
        with open(path, encoding="utf-8") as lines:
            questions += [Question(line) for line in lines]
    found = sum(q.y.any() for q in questions if q.answerable)
    print(f"{len(questions)} questions; a right sentence is among the candidates of {found}/"
          f"{sum(q.answerable for q in questions)}")
    runs = [cross_validate(questions, seed) for seed in range(SHUFFLES)]
    threshold = sorted(threshold_of(run) for run in runs)[len(runs) // 2]
    for run in runs:
        show("cross validation", run, threshold)
    dairy = [q for q in questions if q.id.startswith("d")]
    plant = [q for q in questions if not q.id.startswith("d")]
    if dairy and plant:
        show("fitted on the other plant", scored(plant, dairy) + scored(dairy, plant), threshold)
    fitted = scored(questions, questions)
    show("fitted", fitted, threshold)
    rank = fit_rank(questions)
    decision = fit_decision(questions, rank)
    print("RANK_WEIGHTS", rust(rank))
    print("DECISION_WEIGHTS", rust(decision[:-1]))
    print(f"DECISION_BIAS {decision[-1]:.3f}\nANSWER_THRESHOLD {threshold:.2f}")
    if "-v" in sys.argv:
        for q, p, right in sorted(fitted, key=lambda s: s[1]):
            quote = q.found[q.best(rank)]["quote"][:110] if len(q.x) else ""
            print(f"{p:.2f} {q.raw['wanted'][:6]} {'RIGHT' if right else '-----'} {q.id} "
                  f"{q.raw['question']} -> {quote}")


if __name__ == "__main__":
    main()
