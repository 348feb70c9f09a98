-- The newest opinions first.
create index concurrently feedback_by_time on app.feedback (
  tenant_id, updated_at desc, answer_id desc, user_id desc);
