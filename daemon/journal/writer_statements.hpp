// What the writer's connection keeps prepared: one set for the life of the journal.
#pragma once

#include "journal/action_statements.hpp"
#include "journal/database.hpp"
#include "journal/idempotency.hpp"
#include "journal/submission_rows.hpp"
#include "journal/totals.hpp"
#include "journal/turns.hpp"

namespace relay {

struct WriterStatements {
  // `cipher` outlives it.
  explicit WriterStatements(Connection& connection, const PayloadCipher& cipher = PayloadCipher::none());

  Statement begin;
  Statement commit;
  Statement savepoint;
  Statement release_savepoint;
  Statement roll_back_to_savepoint;
  Statement save_state;
  Statement save_counter;
  Statement page_count;
  Statement free_pages;

  Statement insert_submission;
  Statement insert_query;
  Statement add_repeat;
  Statement insert_upload;
  Statement erase_upload;
  Statement insert_chunk;
  Statement insert_pending_move;
  Statement erase_pending_move;

  Statement insert_delivery;
  Statement delivery_at;     // by (destination, due, seq)
  Statement delivery_place;  // by (destination, client, seq)
  Statement erase_delivery;
  Statement put_off_delivery;
  Statement start_attempt;
  Statement far_deliveries;  // due later than they may be
  Statement bring_back_delivery;

  Statement insert_record;
  Statement begin_follow_up;
  Statement save_follow_up;
  Statement last_attempt;
  Statement insert_attempt;
  Statement repeat_attempt;

  ActionStatements actions;
  SubmissionReader submissions;
  IdempotencyTables idempotency;
  TotalsWriter totals;
  Turns turns;
};

}  // namespace relay
