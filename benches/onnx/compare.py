#!/usr/bin/env python3
"""Our embedder beside ONNX Runtime, on the same weights: sequences of 128 tokens per CPU second.

The same text, cut to the same 128 tokens, as in src/engine/benches/embedding_speed.rs, which is run for
our figures. CPU time of the whole process with all its threads, so that neither other load nor more
threads flatter anyone. Each round measures all; a ratio is the median over the rounds of ratios within
one round.

ONNX Runtime is given its best: all optimisations, graphs with and without the fusions of
onnxruntime.transformers, batches of 4 and 16 sequences, whichever is fastest in a first trial; threads
sleep instead of spinning. int8 is quantize_dynamic of every dense layer, signed weights per channel. One
step per tensor is no faster beyond noise and far less exact, unsigned weights and MatMulNBits are slower.

What int8 costs is the cosine to floats on the texts of XQuAD, and nDCG@10 of plain cosine ranking, where
that set is at hand ($BENCH_DATA, as for the retrieval bench). The float graph must agree with the
reference vectors of models/all-minilm-l6-v2/self-check.json, or nothing is measured.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from tokenizers import Tokenizer

import network

ROOT = Path(__file__).resolve().parents[2]
TEXT = "The torque of the flange bolts is given in the table of this section. " * 20
SEQUENCE_TOKENS = 128
WINDOW_TOKENS = 256  # as WINDOW_TOKENS in src/engine/tokens.rs
BATCHES = (4, 16)
TRIAL_S = 1.0
MEASURE_S = 4.0
QUALITY_BATCH = 16
CUT = 10
FLOAT_COSINE = 0.9999
OURS = ["cargo", "bench", "--locked", "--profile", "dev", "--workspace", "--bench", "embedding_speed"]
OURS_LINE = re.compile(r"^(Reference|Float32|Int8\w+)\s+\d+\s+([\d.]+)$", re.MULTILINE)


def say(text):
    print(f"bench-onnx: {text}", flush=True)


def cpu_facts():
    """Name of the processor and whether it multiplies bytes without saturating."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^(model name|cpu family|model|flags)\s*: (.*)$", text, re.MULTILINE))
    flags = set(fields["flags"].split())
    name = f"{fields['model name']}, family {fields['cpu family']} model {fields['model']}"
    return name, bool(flags & {"avx512_vnni", "avx_vnni"})


def graphs(weights, folder, has_vnni):
    """Files of the float and int8 graphs: {precision: {layout: path}}."""
    plain, fused = folder / "plain.onnx", folder / "fused.onnx"
    onnx.save(network.build(weights / "model.safetensors"), plain)
    better = optimizer.optimize_model(
        str(plain), model_type="bert", num_heads=network.HEADS, hidden_size=network.HIDDEN, opt_level=0
    )
    found = better.get_fused_operator_statistics()
    if found["Attention"] != network.LAYERS or found["BiasGelu"] != network.LAYERS:
        raise SystemExit(f"bench-onnx: the optimiser no longer fuses this graph: {found}")
    better.save_model_to_file(str(fused))
    files = {"f32": {"plain": plain, "fused": fused}, "int8": {}}
    for layout, path in files["f32"].items():
        files["int8"][layout] = folder / f"{layout}-int8.onnx"
        quantize_dynamic(
            path,
            files["int8"][layout],
            op_types_to_quantize=["MatMul", "Attention"],
            per_channel=True,
            # Where pairs of products saturate at 16 bits, weights of 7 bits keep them exact.
            reduce_range=not has_vnni,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    return files


class Runtime:
    """One graph in ONNX Runtime."""

    def __init__(self, path, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def embed(self, sequences):
        """Embeddings of lists of ids."""
        longest = max(map(len, sequences))
        ids = np.array([row + [0] * (longest - len(row)) for row in sequences])
        mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in sequences])
        return self.session.run(None, {"ids": ids, "mask": mask})[0]

    def embed_all(self, sequences):
        """The same for many: batches of like length, so that little is padding."""
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        out = np.empty((len(sequences), network.HIDDEN), np.float32)
        for first in range(0, len(order), QUALITY_BATCH):
            part = order[first:first + QUALITY_BATCH]
            out[part] = self.embed([sequences[index] for index in part])
        return out

    def rate(self, ids, batch, measure_s):
        """Sequences per CPU second."""
        sequences = [ids] * batch
        self.embed(sequences)
        done, start_s = 0, time.process_time()
        while time.process_time() - start_s < measure_s:
            self.embed(sequences)
            done += batch
        return done / (time.process_time() - start_s)


def tokenizer(weights, window_tokens):
    """Ids of a text, cut to the window."""
    tokens = Tokenizer.from_file(str(weights / "tokenizer.json"))
    tokens.no_padding()
    tokens.enable_truncation(window_tokens)
    return lambda text: tokens.encode(text).ids


def self_check(runtime, ids_of):
    """Least cosine to the stored reference vectors."""
    stored = json.loads((ROOT / "models/all-minilm-l6-v2/self-check.json").read_text(encoding="utf-8"))
    cosines = []
    for entry in stored:
        wanted = np.array(entry["embedding"])
        found = runtime.embed([ids_of(entry["text"])])[0]
        cosines.append(float(found @ wanted / np.linalg.norm(found) / np.linalg.norm(wanted)))
    return min(cosines)


def xquad(ids_of):
    """Passages, questions and the passage of each question, or nothing where the set is absent."""
    folder = Path(os.environ.get("BENCH_DATA") or ROOT.parent / "shared/data/retrieval")
    path = folder / "xquad/xquad.en.json"
    if not path.is_file():
        return None
    passages, questions, answers = [], [], []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                questions.append(ids_of(question["question"]))
                answers.append(len(passages))
            passages.append(ids_of(paragraph["context"]))
    return passages, questions, np.array(answers)


def ndcg(passages, questions, answers):
    """Mean nDCG@10 where one passage answers each question."""
    scores = questions @ passages.T
    own = scores[np.arange(len(answers)), answers]
    rank = (scores > own[:, None]).sum(axis=1)
    return float(np.where(rank < CUT, 1 / np.log2(rank + 2), 0).mean())


def fastest(precision, layouts, ids):
    """File and batch of the fastest way with one thread."""
    trials = []
    for layout, path in layouts.items():
        runtime = Runtime(path, 1)
        for batch in BATCHES:
            rate = runtime.rate(ids, batch, TRIAL_S)
            say(f"trial {precision} {layout}, batch {batch}: {rate:.1f}")
            trials.append((rate, path, batch))
    return max(trials)[1:]


def say_quality(chosen, ids_of):
    labelled = xquad(ids_of)
    if labelled is None:
        say("XQuAD is absent: what int8 costs is not measured")
        return
    passages, questions, answers = labelled
    exact = None
    for precision, path in chosen.items():
        runtime = Runtime(path, 1)
        found = runtime.embed_all(passages), runtime.embed_all(questions)
        exact = exact or found
        cosines = np.concatenate([(a * b).sum(axis=1) for a, b in zip(found, exact)])
        say(
            f"ONNX Runtime {precision} on XQuAD-en: nDCG@10 {ndcg(*found, answers):.4f}, "
            f"cosine to floats mean {cosines.mean():.4f}, least {cosines.min():.4f}"
        )


def run_ours(command):
    """Our rates by path."""
    result = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    rates = {name: float(rate) for name, rate in OURS_LINE.findall(result.stdout)}
    if "Float32" not in rates:
        raise SystemExit(f"bench-onnx: no figures in what {command[0]} said:\n{result.stdout}")
    return rates


def compare(rounds):
    """One row per way: median rate, and ours by it (int8 by int8, floats by floats)."""
    ours = next(name for name in ("Int8Avx512Vnni", "Int8Avx2", "Float32") if name in rounds[0])
    print(f"{'way':<32} {'seq/CPU s':>10} {f'{ours} / it':>22} {'Float32 / it':>14}")
    for name in rounds[0]:
        rate = statistics.median(one[name] for one in rounds)
        by = [statistics.median(one[mine] / one[name] for one in rounds) for mine in (ours, "Float32")]
        print(f"{name:<32} {rate:>10.1f} {by[0]:>21.2f}× {by[1]:>13.2f}×")


def main():
    parser = argparse.ArgumentParser(description="Compare the embedder with ONNX Runtime.")
    parser.add_argument("--ours", type=Path, help="an embedding_speed that is built already")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "millwright"
    weights = Path(os.environ.get("MILLWRIGHT_WEIGHTS_DIR") or cache / "weights") / "all-minilm-l6-v2"
    name, has_vnni = cpu_facts()
    cores = len(os.sched_getaffinity(0))
    say(f"{name}, {cores} cores, byte products {'exact' if has_vnni else 'saturating'}")
    say(f"ONNX Runtime {onnxruntime.__version__}")
    with tempfile.TemporaryDirectory(prefix="millwright-onnx-") as folder:
        files = graphs(weights, Path(folder), has_vnni)
        window = tokenizer(weights, WINDOW_TOKENS)
        for precision, layouts in files.items():
            for layout, path in layouts.items():
                cosine = self_check(Runtime(path, 1), window)
                say(f"{precision} {layout}: least cosine to the reference vectors {cosine:.5f}")
                if precision == "f32" and cosine < FLOAT_COSINE:
                    raise SystemExit(f"bench-onnx: the graph is wrong, at least {FLOAT_COSINE} wanted")
        ids = tokenizer(weights, SEQUENCE_TOKENS)(TEXT)
        if len(ids) != SEQUENCE_TOKENS:
            raise SystemExit(f"bench-onnx: the text has {len(ids)} tokens")
        chosen = {precision: fastest(precision, layouts, ids) for precision, layouts in files.items()}
        runtimes = {
            f"ONNX Runtime {precision}, threads: {threads}": (Runtime(path, threads), batch)
            for precision, (path, batch) in chosen.items()
            for threads in sorted({1, cores})
        }
        say_quality({precision: path for precision, (path, _) in chosen.items()}, window)
        command = [str(arguments.ours)] if arguments.ours else OURS
        rounds = []
        for index in range(arguments.rounds):
            rates = {name: one.rate(ids, batch, MEASURE_S) for name, (one, batch) in runtimes.items()}
            rates.update(run_ours(command))
            say(f"round {index + 1}: " + "; ".join(f"{way} {rate:.1f}" for way, rate in rates.items()))
            rounds.append(rates)
    compare(rounds)


if __name__ == "__main__":
    sys.exit(main())
