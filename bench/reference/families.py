"""Makes test/trainer/fixtures/<family>/: a tiny random-weight model of each family with what `transformers` computes for it.

    pip install torch==2.11.0 transformers==5.17.0 safetensors tokenizers
    python bench/reference/families.py

config.json is written as the family's models on the Hub have it, the weights and the tokenizer by the libraries
themselves. reference.json holds token ids of some texts, and for one sequence the logits at a few positions and the
loss (nats) at every one, computed in float32.
"""

import json
import shutil
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM

FIXTURES = Path(__file__).parents[2] / "test/trainer/fixtures"
TEXTS = [
    "function transfer(address to, uint256 amount) external returns (bool) { return true; }",
    "The quick brown fox doesn't jump over 1234567 lazy dogs.\n\n  Twice a day!",
    "naïve café, Ünïcode 🙂\tand tabs  ",
]
LENGTH = 48
POSITIONS = [0, 1, 17, 47]

SHAPE = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
LLAMA = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", attention_bias=False, mlp_bias=False, max_position_embeddings=128, rms_norm_eps=1e-5, pretraining_tp=1, **SHAPE)
QWEN2 = dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_act="silu", max_position_embeddings=128, rms_norm_eps=1e-6, sliding_window=64, max_window_layers=2, use_sliding_window=False, **SHAPE)
# Original context and factors such that the 48 positions meet kept, blended and slowed rotations.
LLAMA3_ROPE = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
QWEN_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3_SPLIT = QWEN_SPLIT.replace(r"|\p{N}|", r"|\p{N}{1,3}|")

FAMILIES = {
    "llama2": dict(
        config={**LLAMA, "rope_scaling": None, "num_key_value_heads": 4, "tie_word_embeddings": False},
        tokenizer="sentencepiece", special=["<unk>", "<s>", "</s>"], bos="<s>", eos="</s>", dtype=torch.float16,
    ),
    "llama3.2": dict(
        config={**LLAMA, "rope_theta": 500000.0, "rope_scaling": LLAMA3_ROPE, "head_dim": 16, "tie_word_embeddings": True},
        tokenizer=LLAMA3_SPLIT, special=["<|begin_of_text|>", "<|end_of_text|>"], bos="<|begin_of_text|>", eos="<|end_of_text|>", dtype=torch.bfloat16,
    ),
    "smollm2": dict(
        config={**LLAMA, "rope_theta": 100000, "rope_scaling": None, "rope_interleaved": False, "is_llama_config": True, "tie_word_embeddings": True},
        tokenizer="digits", special=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], bos="<|endoftext|>", eos="<|endoftext|>", dtype=torch.bfloat16,
    ),
    "mistral": dict(
        config={"architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_act": "silu", "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": 12, "tie_word_embeddings": False, **SHAPE},
        tokenizer="sentencepiece", special=["<unk>", "<s>", "</s>"], bos="<s>", eos="</s>", dtype=torch.bfloat16, shard="30KB",
    ),
    "qwen2": dict(
        config={**QWEN2, "rope_theta": 1000000.0, "tie_word_embeddings": True},
        tokenizer=QWEN_SPLIT, special=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], bos=None, eos="<|endoftext|>", dtype=torch.bfloat16,
    ),
    "deepseek-r1-distill-qwen": dict(
        config={**QWEN2, "rope_theta": 10000, "use_mrope": False, "tie_word_embeddings": False},
        tokenizer=QWEN_SPLIT, special=["<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>"], bos="<｜begin▁of▁sentence｜>", eos="<｜end▁of▁sentence｜>", dtype=torch.float32, shard="60KB",
    ),
    # Its config.json is the one transformers 5 writes, with rope_parameters.
    "deepseek-r1-distill-llama": dict(
        config={**LLAMA, "rope_theta": 500000.0, "rope_scaling": LLAMA3_ROPE, "tie_word_embeddings": False}, rewrite=True,
        tokenizer=LLAMA3_SPLIT, special=["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"], bos="<｜begin▁of▁sentence｜>", eos="<｜end▁of▁sentence｜>", dtype=torch.bfloat16,
    ),
}


def train_tokenizer(kind: str, special: list[str]) -> Tokenizer:
    """A small BPE built of the same parts as the family's: byte-level, or SentencePiece's with byte fallback."""
    if kind == "sentencepiece":
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        # Bytes first, as in Llama 2; the accents and the emoji are not learned, so that they fall back to bytes.
        words = [f"<0x{byte:02X}>" for byte in range(256)]
        trainer = trainers.BpeTrainer(vocab_size=350 + len(special) - 3, special_tokens=special + words, show_progress=False)
        tokenizer.train_from_iterator(TEXTS[:1] + ["The quick brown fox jumps over lazy dogs.  Twice"], trainer)
        description = json.loads(tokenizer.to_str())
        description["added_tokens"] = [token for token in description["added_tokens"] if token["content"] in special]
        return Tokenizer.from_str(json.dumps(description))
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind == LLAMA3_SPLIT))
    if kind == "digits":
        steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    else:
        steps = [pre_tokenizers.Split(Regex(kind), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        if kind == QWEN_SPLIT:
            tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=256 + 60, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS[:2], trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


def make(name: str, family: dict) -> None:
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer = train_tokenizer(family["tokenizer"], family["special"])
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    # Old tokenizer configs hold their tokens as objects, newer ones as strings.
    as_object = lambda token: {"__type": "AddedToken", "content": token, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    written = as_object if name.startswith("deepseek") else lambda token: token
    bos = None if family["bos"] is None else written(family["bos"])
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": bos, "eos_token": written(family["eos"])}) + "\n")
    config = {**family["config"], "vocab_size": tokenizer.get_vocab_size(), "torch_dtype": str(family["dtype"]).removeprefix("torch.")}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")

    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():  # far from the usual start, so that every part tells in the logits
            spread = 0.25 if parameter.dim() == 2 else 0.1
            parameter.copy_(spread * torch.randn(parameter.shape) + (parameter.dim() == 1))
    model.to(family["dtype"]).save_pretrained(folder / "saved", max_shard_size=family.get("shard", "1GB"))
    for file in (folder / "saved").iterdir():
        if "safetensors" in file.name or (family.get("rewrite") and file.name == "config.json"):
            file.rename(folder / file.name)
    shutil.rmtree(folder / "saved")

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(0, config["vocab_size"], (1, LENGTH))
    with torch.no_grad():
        logits = model(ids).logits[0].double()
    losses = torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:], reduction="none")
    texts = [{"text": text, "ids": (encoded := tokenizer.encode(text, add_special_tokens=False).ids), "decoded": tokenizer.decode(encoded)} for text in TEXTS]
    reference = {
        "texts": texts,
        "ids": ids[0].tolist(),
        "positions": POSITIONS,
        "logits": [[round(value, 6) for value in logits[position].tolist()] for position in POSITIONS],
        "losses": [round(value, 6) for value in losses.tolist()],
    }
    (folder / "reference.json").write_text(json.dumps(reference, ensure_ascii=False) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir()) // 1000
    print(f"{name}: {size} kB, logits to ±{logits.abs().max():.1f}, mean loss {losses.mean():.3f}")


if __name__ == "__main__":
    for name, family in FAMILIES.items():
        make(name, family)
