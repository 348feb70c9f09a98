"""``vectors.faiss``: which kind of index for how many vectors, and how to search each.

Everything is inner product on unit vectors, so a score is a cosine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from frontdesk.knowledge.manifest import IndexInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

# Below this half precision costs nothing, and needs no training on a handful of vectors.
HALF_PRECISION_LIMIT = 2_000
# Below this one scan over 8-bit codes is fast; above, 1-bit codes find what 8-bit codes then rank.
EIGHT_BIT_LIMIT = 50_000
# What the 1-bit stage hands on: at least so many candidates, and at least so many for each one
# wanted. More of them find nothing more.
_CANDIDATES = 300
_CANDIDATES_EACH = 10
_QUERY_BITS = 2  # of the 1-bit stage's query; 4 finds the same and takes half as long again


def _faiss() -> Any:
    # FAISS patches its keyword arguments in at import; its type hints don't know them.
    import faiss

    return faiss


def vector_kind(count: int) -> str:
    """The kind of index for so many vectors, as FAISS's ``index_factory`` reads it."""
    if count <= HALF_PRECISION_LIMIT:
        return "SQfp16"
    return "SQ8" if count <= EIGHT_BIT_LIMIT else "RaBitQ,Refine(SQ8)"


def build_vector_index(vectors: Vectors) -> Any:
    """A FAISS index of the kind that fits the number of vectors.

    Args:
        vectors: unit vectors, float32 (n, d).
    """
    faiss = _faiss()
    count, dimensions = vectors.shape
    index = faiss.index_factory(dimensions, vector_kind(count), faiss.METRIC_INNER_PRODUCT)
    if count:
        index.train(vectors)
        index.add(vectors)
    return index


class VectorIndex:
    """A loaded index; searches are safe side by side."""

    def __init__(self, path: Path) -> None:
        """Map the file: pages are read when a search touches them and are never copied.

        Raises:
            IndexInvalid: the file is no index, or its metric is another one.
        """
        faiss = _faiss()
        faiss.omp_set_num_threads(1)  # requests run side by side; one search uses one core
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as unreadable:
            raise IndexInvalid("The vector index can't be read.") from unreadable
        if index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise IndexInvalid("The vector index has another metric than inner product.")
        self._index: Any = index
        self._is_refined = isinstance(index, faiss.IndexRefine)
        self._stored: Any = faiss.downcast_index(index.refine_index) if self._is_refined else index

    @property
    def count(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return int(self._index.d)

    def search(
        self, query: Vectors, k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], Vectors]:
        """The nearest rows and their cosines, best first; fewer than k when fewer are allowed.

        Args:
            query: unit vector, float32 (d,).
            k: how many.
            allowed: which rows may be found, bool (n,); None for all.
        """
        faiss = _faiss()
        if allowed is None:
            selector, reachable = None, self.count
        else:
            bits = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
            reachable = int(np.count_nonzero(allowed))
        k = min(k, reachable)
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        scores, rows = self._index.search(query[None, :], k, params=self._parameters(selector, k))
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def _parameters(self, selector: Any, k: int) -> Any:
        faiss = _faiss()
        if not self._is_refined:
            return faiss.SearchParameters(sel=selector) if selector else None
        factor = max(_CANDIDATES / k, _CANDIDATES_EACH)
        base = faiss.RaBitQSearchParameters(sel=selector, qb=_QUERY_BITS)
        return faiss.IndexRefineSearchParameters(k_factor=factor, base_index_params=base)

    def read(self, rows: NDArray[np.int64]) -> Vectors:
        """Stored vectors of these rows, float32 (len(rows), d), of length 1 but for rounding."""
        if len(rows) == 0:
            return np.empty((0, self.dimensions), np.float32)
        stored: Vectors = self._stored.reconstruct_batch(rows)
        return stored
