drop table daily_metrics, analytics_events;
drop function create_analytics_partitions(date, integer), create_analytics_partition(text);
