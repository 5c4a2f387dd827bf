alter table content_health_checks drop column look_id, drop column told;
