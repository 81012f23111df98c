"""What becomes of ElastAlert2's options that have no like here: each is told, with what to do about it.

See elastalert2.readthedocs.io (ruletypes, alerts) and the JSON Schema of its rule files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Fate(NamedTuple):
    """`needed` when somebody must look at it before the rule does its work."""

    what: str
    remedy: str
    needed: bool = False


# Where the log is kept, how it is asked and how the asking is scheduled: rules here see the log itself.
NOT_NEEDED = frozenset(
    (
        "doc_type", "es_host", "es_hosts", "es_port", "es_username", "es_password", "es_bearer", "es_api_key", "es_url_prefix",
        "es_send_get_body_as", "es_conn_timeout", "use_ssl", "verify_certs", "ca_certs", "client_cert", "client_key", "ssl_show_warn",
        "aws_region", "profile", "timestamp_field", "timestamp_type", "timestamp_format", "timestamp_format_expr",
        "timestamp_to_datetime_format_expr", "query_timezone", "use_strftime_index", "search_extra_index", "run_every", "query_delay",
        "max_query_size", "max_scrolling", "max_scrolling_count", "scroll_keepalive", "max_threads", "misfire_grace_time",
        "use_count_query", "use_terms_query", "terms_size", "window_step_size", "use_keyword_postfix", "scan_entire_timeframe", "include",
        "include_fields", "_source_enabled", "replace_dots_in_field_names", "allow_buffer_time_overlap", "use_run_every_query_size",
        "bucket_interval", "sync_bucket_interval", "statsd_instance_tag",
    )
)  # fmt: skip

_TOLD = "who is told, and how, stands in alerting.yaml"
_ALERTS = frozenset(
    (
        "alert", "alerter", "realert", "realert_key", "exponential_realert", "aggregation", "aggregation_key", "aggregate_by_match_time",
        "aggregation_alert_time_compared_with_timestamp_field", "notify_email", "smtp_host", "from_addr", "cc", "bcc", "email",
        "assets_dir", "command", "pipe_match_json", "pipe_alert_text", "fail_on_non_zero_exit", "username", "password",
        "short_description", "comments", "assignment_group", "subcategory", "cmdb_ci", "caller_id",
    )
)  # fmt: skip
_SAID = "an alert here says what happened, who it was and some lines by itself; annotations: {summary: …} says more"
_WORDING = frozenset(
    (
        "attach_related", "top_count_keys", "top_count_number", "raw_count_keys", "use_local_time", "custom_pretty_ts_format",
        "metric_format_string", "percentage_format_string", "include_rule_params_in_matches", "include_match_in_root",
        "add_metadata_alert", "run_enhancements_first",
    )
)  # fmt: skip
# How the settings of each of its alerters begin.
_CHANNELS = (
    "alerta_", "alertmanager_", "boto_", "chatwork_", "datadog_", "dingtalk_", "discord_", "email_", "exotel_", "flashduty_", "gelf_",
    "gitter_", "googlechat_", "hive_", "http_post2_", "http_post_", "indexer_", "iris_", "jira_", "lark_", "linenotify_",
    "matrixhookshot_", "mattermost_", "ms_teams_", "ms_power_automate_", "opsgenie_", "pagerduty_", "pagertree_", "powerautomate_",
    "rocket_chat_", "servicenow_", "ses_", "slack_", "smseagle_", "smtp_", "sns_", "stomp_", "telegram_", "tencent_sms_", "twilio_",
    "victorops_", "webex_", "workwechat_", "yzj_", "zbx_",
)  # fmt: skip
_WORDINGS = ("alert_text", "alert_subject", "alert_missing_", "summary_", "kibana_", "opensearch_", "generate_", "shorten_", "jinja_")

LIMITED = Fate(
    "limit_execution has become a schedule; there, the first run after a pause looks at what came in it, here nobody does",
    "nothing to do if that was meant, as limit_execution_coverage: true says it; its hours are UTC's: time_zone says whose else",
)

# Options that mean something, each with its way here.
_OWN: Mapping[str, Fate] = {
    "index": Fate(
        "index is not taken over: here all logs are judged",
        "if it held only some of them, say which: where: {service.name: shop}, or {log.type: http}",
    ),
    "match_enhancements": Fate(
        "match_enhancements is code of your own, which may drop matches", "say in the filter what it drops, then leave it out", True
    ),
    "limit_execution": Fate(
        "limit_execution: no schedule here is the same (hours and days of the week are, as in * 8-18 * * 1-5)",
        'leave it out, and give the rule that comes out a schedule: {days: mon-fri, hours: "08:00-18:00", time_zone: Europe/Berlin}',
        True,
    ),
    "field_value": Fate(
        "field_value adds up a field, which type spike does not here",
        "make it type spike_aggregation with metric_agg_type: sum and the field as metric_agg_key",
        True,
    ),
    "alert_on_missing_field": Fate(
        "alert_on_missing_field has no like here: an event without the field is never new",
        "leave it out, and write a second rule of type any with the filter - not: {exists: {field: …}}",
        True,
    ),
    "metric_agg_script": Fate(
        "metric_agg_script is a program, and rules have none", "leave it out; metric_agg_type and metric_agg_key say what can be told", True
    ),
    "priority": Fate("priority is dropped", "severity: critical, warning or info"),
    "category": Fate("category is dropped", "labels: {category: …}"),
}


def fate_of(name: str, values: Mapping[str, Any]) -> Fate | None:
    """What becomes of this option of a rule with these; None when nobody knows it. Those of NOT_NEEDED have none."""
    if name in _OWN:
        return _OWN[name]
    if name in _WORDING or name.startswith(_WORDINGS):
        return Fate(f"{name} is dropped", _SAID)
    if name in _ALERTS or name.startswith((*_CHANNELS, *_of_its_alerters(values.get("alert")))):
        return Fate(f"{name} is dropped", _TOLD)
    return None


def _of_its_alerters(alert: Any) -> tuple[str, ...]:
    """How settings of the alerters that the rule names may begin: of one's own code there may be any."""
    named = alert if isinstance(alert, list) else [alert]
    texts = [str(next(iter(one), "")) if isinstance(one, Mapping) else str(one or "") for one in named]
    return tuple(f"{text}_" for text in texts if text)
