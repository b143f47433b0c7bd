// What the writer's connection keeps prepared for what people do (operator_actions.hpp).
#pragma once

#include "journal/database.hpp"

namespace relay {

struct ActionStatements {
  explicit ActionStatements(Connection& connection);

  // One delivery, by (destination, client, seq) where it is open and by (seq, destination) where it has ended.
  Statement open_delivery;
  Statement ended_delivery;
  Statement insert_delivery;
  Statement erase_record;
  Statement end_record;  // another end state
  Statement keep_discard_reason;
  Statement erase_discard_reason;
  Statement payload_erased;

  // Slices of a destination.
  Statement dead_letters;    // above a seq
  Statement open_by_client;  // above a (client, seq)
  Statement ended_since;     // submissions in the order in which something of them ended

  // Redirected ones.
  Statement attempts;
  Statement move_attempt;
  Statement earlier_destinations;
  Statement move_earlier_destination;
  Statement note_earlier_destination;

  Statement pause;
  Statement resume;

  Statement next_audit_number;
  Statement insert_audit;
  Statement add_to_audit;  // more deliveries changed
  Statement last_configuration;
};

}  // namespace relay
