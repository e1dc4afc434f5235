"""The CDK application: `cd infra/aws && cdk deploy --all -c supabase_url=https://<ref>.supabase.co`. See docs/guide/aws.md."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

import sys
from pathlib import Path

if __name__ == "__main__":
    # As the CDK starts it: from here the packages of the repository are found, and `app` is not this file.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from aws_cdk import App, Environment, Tags

from infra.aws.config import Config, ConfigError
from infra.aws.stacks.agent_stack import AgentStack
from infra.aws.stacks.api_stack import ApiStack
from infra.aws.stacks.edge_stack import EdgeStack
from infra.aws.stacks.metrics_stack import MetricsStack
from infra.aws.stacks.observability_stack import ObservabilityStack
from infra.aws.stacks.secrets_stack import SecretsStack
from infra.aws.stacks.storage_stack import StorageStack
from infra.aws.stacks.worker_stack import WorkerStack


def build(app: App, config: Config) -> None:
    """Every stack of one installation."""
    env = {"env": Environment(account=config.account, region=config.region)}
    secrets = SecretsStack(app, f"{config.name}-secrets", config, **env)
    storage = StorageStack(app, f"{config.name}-storage", config, **env)
    api = ApiStack(
        app, f"{config.name}-api", config, secret=secrets.web, edge=secrets.edge, artifacts=storage.artifacts, **env
    )
    if secrets.edge:
        EdgeStack(app, f"{config.name}-edge", config, api_host=api.host, key=secrets.edge, **env)
    metrics = MetricsStack(app, f"{config.name}-metrics", config, secret=secrets.web, **env)
    workers = WorkerStack(
        app,
        f"{config.name}-worker",
        config,
        secret=secrets.worker,
        artifacts=storage.artifacts,
        queue_age=metrics.queue_age,
        **env,
    )
    agents = AgentStack(app, f"{config.name}-agents", config, secret=secrets.agents, outputs=storage.outputs, **env)
    ObservabilityStack(
        app,
        f"{config.name}-observability",
        config,
        by_name={
            "Web": api.web,
            "Gauge": metrics.gauge,
            "BaseAgent": agents.base_agent,
            "Orchestrator": agents.orchestrator,
        },
        slowest_ms={"Web": 29_000, "Gauge": 50_000, "BaseAgent": 600_000, "Orchestrator": 900_000},
        api=api.api,
        dead_letters=agents.dead_letters,
        service=workers.service,
        queue_age=metrics.queue_age,
        workers_alive=metrics.workers_alive,
        **env,
    )
    Tags.of(app).add("installation", config.name)


def main() -> int:
    """Synthesize; a wrong value of the context ends it with one line that says what is allowed."""
    app = App()
    try:
        build(app, Config.from_context(app.node.get_all_context()))
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
