"""GET /v1/crm/pipeline: counts and values per stage, aggregated in the database."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from frontdesk.crm.models import ShortText, Source, Stage
from frontdesk.crm.queries import ask
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.money import Money


class PipelineQuery(BaseModel):
    """Which clients to count."""

    model_config = ConfigDict(extra="forbid")

    source: list[Source] | None = Field(None, max_length=5, description="May be repeated.")
    consultant: ShortText | None = Field(None, description="A member's id, `me`, or a name.")


class StageSummary(BaseModel):
    """One stage of the pipeline."""

    stage: Stage
    count: int
    values: list[Money] = Field(description="Total of the quotes, one per currency.")


class Pipeline(BaseModel):
    """Every stage in order, empty ones included."""

    stages: list[StageSummary]
    total: int = Field(description="Clients in all stages together.")


def read_pipeline(context: Context, query: PipelineQuery) -> Pipeline:
    """How many clients stand in each stage, and what their quotes are worth per currency.

    The database counts, so the figures are exact at any size; sums never cross currencies.
    """
    filters = query.model_dump(mode="json", exclude_none=True)
    reply = ask(context, Rpc.PIPELINE, {"p_filter": filters})
    return Pipeline.model_validate({"stages": reply["stages"], "total": reply["total"]})
