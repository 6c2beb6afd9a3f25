"""Write src/longterm/models/embed/e5_rotation.npz: e5's space turned onto MiniLM's.

The orthogonal matrix that brings the vectors one model gives English sentences nearest to those
the other gives them (Schönemann, "A generalized solution of the orthogonal Procrustes problem",
1966). Being a rotation it changes no cosine among e5's own vectors; and what e5 knows of a text
in Chinese comes to lie where MiniLM puts it in English. The sentences are usage examples of
WordNet 3.0 (Debian's package wordnet-base has its files), which no suite asks about:

    python benchmarks/e5_rotation.py /usr/share/wordnet
"""

import re
import sys
from pathlib import Path
from random import Random

import numpy as np

from longterm.models.embed import MiniLMEmbeddings, MultilingualEmbeddings, by_script

TARGET = Path(by_script.__file__).with_name("e5_rotation.npz")
SENTENCES, WORDS = 3_000, 4
_EXAMPLE = re.compile(r'"([^"]+)"')


def sentences(folder: Path) -> list[str]:
    """Choose usage examples of some words from WordNet's data files, the same ones each time."""
    lines = [line for file in sorted(folder.glob("data.*")) for line in file.open("r", -1, "utf-8")]
    said = {text.strip() for line in lines for text in _EXAMPLE.findall(line.partition("|")[2])}
    examples = sorted(text for text in said if len(text.split()) >= WORDS)
    return Random(1).sample(examples, SENTENCES)  # noqa: S311 - a choice, no secret


def write(folder: Path) -> None:
    """Embed every sentence by both models, and write the rotation."""
    texts = sentences(folder)
    e5 = MultilingualEmbeddings(threads=1)
    theirs, ours = e5.embed_documents(texts), MiniLMEmbeddings(threads=1).embed_documents(texts)
    e5.release()
    left, _, right = np.linalg.svd(np.array(theirs).T @ np.array(ours))
    np.savez_compressed(TARGET, rotation=(left @ right).astype(np.float16))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
