#!/usr/bin/env python3
"""Fits the numbers of quote mode (src/agents/quote/weights.rs) on the tuning half of the golden set.

    cargo run -p millwright-agents --example golden -- \
        assets/sample-plant DATA_DIR PARSE_WORKER MODEL_WORKER features > features.jsonl
    python3 models/quote-mode/fit.py features.jsonl

Input: one question per line with what was measured of its candidate sentences. The example writes
the tuning half alone, so the reported half can't be fitted on by accident.

1. Order. A linear sum of the features; the loss is the cross entropy of "a right sentence comes
   first" over the candidates of each answerable question (softmax), with a ridge that pulls towards
   PRIOR: with some thirty questions the data may bend the prior but not replace it. Weights keep the
   sign of the prior.
2. Decision. Logistic regression on the first candidate of every question after that order: label 1
   when it is right, 0 when the question has no answer (or the candidate is wrong), again with a
   ridge towards a prior.
3. Threshold. The one that gets most questions right in ten-fold cross validation, an invented
   answer counting WRONG_COST times as much as a missed one.

Needs nothing but Python 3.
"""

import json
import math
import random
import sys

NAMES = [
    "coverage", "coverage_context", "coverage_passage", "named", "named_context", "named_passage",
    "kind_present", "kind_absent", "dense", "dense_passage", "retrieval", "novelty", "is_row",
]
RANK_PRIOR = [2.4, 2.0, 0.4, 1.6, 1.6, 0.4, 1.0, -1.0, 2.4, 0.4, 1.2, 0.6, 0.0]
DECISION_PRIOR = [1.0, 2.0, 1.0, 0.5, 2.5, 1.5, 0.5, -1.5, 3.0, 1.0, 0.5, 0.0, 0.0]
DECISION_BIAS_PRIOR = -7.5
RIDGE = 0.05
WRONG_COST = 1.5
FOLDS = 10


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def load(path):
    questions = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            q = json.loads(line)
            q["x"] = [[c["features"][n] for n in NAMES] for c in q["candidates"]]
            q["y"] = [c["right"] for c in q["candidates"]]
            questions.append(q)
    return questions


def fit_rank(questions, steps=400, rate=0.15):
    data = [q for q in questions if any(q["y"])]
    w = list(RANK_PRIOR)
    for _ in range(steps):
        grad = [RIDGE * (a - b) * len(data) / 10 for a, b in zip(w, RANK_PRIOR)]
        for q in data:
            scores = [dot(w, x) for x in q["x"]]
            top = max(scores)
            e = [math.exp(s - top) for s in scores]
            total = sum(e)
            good = sum(v for v, y in zip(e, q["y"]) if y)
            for x, v, y in zip(q["x"], e, q["y"]):
                g = v / total - (v / good if y else 0.0)
                for i, value in enumerate(x):
                    grad[i] += g * value
        w = [a - rate * g / max(len(data), 1) for a, g in zip(w, grad)]
        w = [0.0 if p != 0 and a * p < 0 else a for a, p in zip(w, RANK_PRIOR)]
    return w


def first(q, w):
    if not q["x"]:
        return None
    return max(range(len(q["x"])), key=lambda i: dot(w, q["x"][i]))


def fit_decision(rows, steps=1500, rate=0.3):
    w, bias = list(DECISION_PRIOR), DECISION_BIAS_PRIOR
    for _ in range(steps):
        grad = [RIDGE * (a - b) for a, b in zip(w, DECISION_PRIOR)]
        grad_bias = 0.02 * RIDGE * (bias - DECISION_BIAS_PRIOR)
        for x, y in rows:
            p = 1 / (1 + math.exp(-(bias + dot(w, x))))
            g = (p - y) / len(rows)
            grad_bias += g
            for i, value in enumerate(x):
                grad[i] += g * value
        w = [a - rate * g for a, g in zip(w, grad)]
        w = [0.0 if p != 0 and a * p < 0 else a for a, p in zip(w, DECISION_PRIOR)]
        bias -= rate * grad_bias
    return w, bias


def decision_rows(questions, w):
    rows = []
    for q in questions:
        i = first(q, w)
        if i is not None:
            rows.append((q["x"][i], 1.0 if q["y"][i] else 0.0))
    return rows


def probability(q, rank, decision, bias):
    i = first(q, rank)
    if i is None:
        return 0.0, False
    return 1 / (1 + math.exp(-(bias + dot(decision, q["x"][i])))), q["y"][i]


def cross_validate(questions):
    order = list(range(len(questions)))
    random.Random(7).shuffle(order)
    scored = []
    for fold in range(FOLDS):
        test = [questions[i] for n, i in enumerate(order) if n % FOLDS == fold]
        train = [questions[i] for n, i in enumerate(order) if n % FOLDS != fold]
        rank = fit_rank(train)
        decision, bias = fit_decision(decision_rows(train, rank))
        scored += [(q, *probability(q, rank, decision, bias)) for q in test]
    return scored


def counts(scored, threshold):
    right = wrong = missed = refused = invented = 0
    for q, p, is_right in scored:
        answerable = q["wanted"] == "answerable"
        if p >= threshold:
            right += answerable and is_right
            wrong += answerable and not is_right
            invented += not answerable
        else:
            missed += answerable
            refused += not answerable
    return right, wrong, missed, refused, invented


def show(title, scored, threshold):
    right, wrong, missed, refused, invented = counts(scored, threshold)
    print(f"{title}: {right}/{right + wrong + missed} right, {wrong} wrong, {missed} missed; "
          f"{refused}/{refused + invented} refused, {invented} invented")


def rust(values):
    return "[" + ", ".join(f"{v:.3f}" for v in values) + "]"


def main():
    questions = load(sys.argv[1])
    found = sum(any(q["y"]) for q in questions if q["wanted"] == "answerable")
    answerable = sum(q["wanted"] == "answerable" for q in questions)
    print(f"{len(questions)} questions; a right sentence is among the candidates of {found}/{answerable}")
    scored = cross_validate(questions)
    grid = [t / 100 for t in range(10, 91)]

    def gain(t):
        right, wrong, _, refused, invented = counts(scored, t)
        return right + refused - WRONG_COST * invented - wrong

    best = max(gain(t) for t in grid)
    good = [t for t in grid if gain(t) == best]
    threshold = good[len(good) // 2]
    show("cross validation", scored, threshold)
    rank = fit_rank(questions)
    decision, bias = fit_decision(decision_rows(questions, rank))
    all_scored = [(q, *probability(q, rank, decision, bias)) for q in questions]
    show("fitted", all_scored, threshold)
    print("RANK_WEIGHTS", rust(rank))
    print("DECISION_WEIGHTS", rust(decision))
    print(f"DECISION_BIAS {bias:.3f}\nANSWER_THRESHOLD {threshold:.2f}")
    if "-v" in sys.argv:
        for q, p, is_right in sorted(all_scored, key=lambda s: s[1]):
            i = first(q, rank)
            quote = q["candidates"][i]["quote"][:110] if i is not None else ""
            print(f"{p:.2f} {q['wanted'][:6]} {'RIGHT' if is_right else '-----'} {q['id']} "
                  f"{q['question']} -> {quote}")


if __name__ == "__main__":
    main()
