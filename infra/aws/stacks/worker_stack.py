"""Workers on Fargate: `steward worker` on the session connection, as many as load and the queue's age ask for."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

import jsii
from aws_cdk import Duration, Fn, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.aws.config import Config
from infra.aws.stacks.functions import ROOT, log_group, without
from infra.aws.stacks.storage_stack import artifact_settings, let_use

ZONES = 2
DOCKERFILE = "Dockerfile"


class WorkerStack(Stack):
    """`service` is the Fargate service. Nothing reaches in; with `nat_gateways` 0 the workers need public addresses to reach out."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        config: Config,
        *,
        secret: secrets.ISecret,
        artifacts: s3.IBucket,
        queue_age: cloudwatch.IMetric,
        **stack: object,
    ) -> None:
        super().__init__(scope, name, **stack)
        network = self._network(config)
        cluster = ecs.Cluster(self, "Cluster", vpc=network, container_insights_v2=ecs.ContainerInsights.ENABLED)
        task = self._task(config, secret, artifacts)
        let_use(task.task_role, artifacts, remove=True)
        nobody_in = ec2.SecurityGroup(
            self,
            "WorkerNetwork",
            vpc=network,
            description="Workers reach out; nothing reaches in",
            allow_all_outbound=True,
        )
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task,
            desired_count=config.workers_least,
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            assign_public_ip=config.nat_gateways == 0,
            vpc_subnets=ec2.SubnetSelection(subnet_type=self._kind(config)),
            security_groups=[nobody_in],
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            enable_execute_command=False,
        )
        self._scale(config, queue_age)

    # Else an account that is named would be asked for its zones to synthesize.
    @property
    @jsii.member(jsii_name="availabilityZones")
    def availability_zones(self) -> list[str]:
        """Two zones of the region, whichever they are: asked when it is deployed."""
        return [Fn.select(zone, Fn.get_azs()) for zone in range(ZONES)]

    @staticmethod
    def _kind(config: Config) -> ec2.SubnetType:
        return ec2.SubnetType.PRIVATE_WITH_EGRESS if config.nat_gateways else ec2.SubnetType.PUBLIC

    def _network(self, config: Config) -> ec2.Vpc:
        subnets = [
            ec2.SubnetConfiguration(
                name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
            )
        ]
        if config.nat_gateways:
            private = ec2.SubnetType.PRIVATE_WITH_EGRESS
            subnets.append(ec2.SubnetConfiguration(name="workers", subnet_type=private, cidr_mask=24))
        network = ec2.Vpc(
            self,
            "Network",
            max_azs=ZONES,
            nat_gateways=min(config.nat_gateways, ZONES),
            subnet_configuration=subnets,
        )
        network.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        network.add_flow_log(
            "Flows",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group(self, "FlowLog", config)),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        return network

    def _task(self, config: Config, secret: secrets.ISecret, artifacts: s3.IBucket) -> ecs.FargateTaskDefinition:
        is_arm = config.architecture == "arm64"
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=config.worker_cpu,
            memory_limit_mib=config.worker_memory_mib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64 if is_arm else ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        # A volume belongs to root unless the image declares its folder, as it does /data: so that is the folder for
        # what is temporary, too (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html).
        environment = {"STEWARD_HOME": "/data", "TMPDIR": "/data"}
        environment |= {"STEWARD_LOG_FORMAT": "json", "STEWARD_LOG_LEVEL": "info"}
        environment |= {"SUPABASE_URL": config.supabase_url} | artifact_settings(artifacts)
        if config.public_url:
            environment["STEWARD_PUBLIC_URL"] = config.public_url
        task.add_volume(name="data")
        container = task.add_container(
            "worker",
            image=self._image(config),
            command=["worker"],  # of the program that the image starts
            environment=environment,
            secrets={one: ecs.Secret.from_secrets_manager(secret, one) for one in config.worker_secrets},
            logging=ecs.LogDrivers.aws_logs(stream_prefix="worker", log_group=log_group(self, "Logs", config)),
            readonly_root_filesystem=True,
            stop_timeout=Duration.seconds(60),  # running tasks end, or are handed back
            linux_parameters=ecs.LinuxParameters(self, "Linux", init_process_enabled=True),
        )
        container.add_mount_points(ecs.MountPoint(container_path="/data", source_volume="data", read_only=False))
        return task

    def _image(self, config: Config) -> ecs.ContainerImage:
        if config.worker_repository:
            repository = ecr.Repository.from_repository_name(self, "Images", config.worker_repository)
            return ecs.ContainerImage.from_ecr_repository(repository, config.worker_tag)
        platform = assets.Platform.LINUX_ARM64 if config.architecture == "arm64" else assets.Platform.LINUX_AMD64
        return ecs.ContainerImage.from_asset(
            str(ROOT), file=DOCKERFILE, exclude=without(DOCKERFILE, "infra/docker/healthcheck.py"), platform=platform
        )

    def _scale(self, config: Config, queue_age: cloudwatch.IMetric) -> None:
        count = self.service.auto_scale_task_count(min_capacity=config.workers_least, max_capacity=config.workers_most)
        count.scale_on_cpu_utilization(
            "Cpu",
            target_utilization_percent=60,
            scale_in_cooldown=Duration.minutes(5),
            scale_out_cooldown=Duration.minutes(1),
        )
        count.scale_on_metric(
            "QueueAge",
            metric=queue_age,
            adjustment_type=scaling.AdjustmentType.CHANGE_IN_CAPACITY,
            scaling_steps=[
                scaling.ScalingInterval(upper=config.queue_age_seconds / 10, change=-1),
                scaling.ScalingInterval(lower=config.queue_age_seconds / 3, change=1),
                scaling.ScalingInterval(lower=config.queue_age_seconds, change=2),
            ],
            evaluation_periods=3,
            datapoints_to_alarm=2,
            cooldown=Duration.minutes(3),
        )
