// What an HL7 receiver's acknowledgement means: the classifier of destination `mllp`. Sources: HL7 v2.5.1 section 2.9
// (original and enhanced mode), table 0008 (MSA-1), table 0357 (ERR-3).
//
// | answer to our MSH-10                                          | outcome, kind                                     |
// | ------------------------------------------------------------- | ------------------------------------------------- |
// | AA, CA                                                        | accepted                                          |
// | AE, AR, CE, CR with ERR-3 206 (locked) or 207 (internal)      | try later, unavailable                            |
// | AE, CE                                                        | refused                                           |
// | AR, CR with 200, 201, 202, 203 (type, event, processing id,   | refused                                           |
// |   version not supported)                                      |                                                   |
// | AR, CR                                                        | try later, unavailable                            |
// | any other MSA-1                                               | unknown, unexpected_answer; connection dropped    |
// | MSA-2 of another message, no MSA, no HL7                      | unknown, unexpected_answer; connection dropped    |
// | an application ACK of a message that had its commit ACK       | ignored                                           |
// | bytes that are no MLLP at all                                 | broken, unexpected_answer; connection dropped     |
// | none within ack_timeout                                       | unknown, timeout; connection dropped              |
// | the connection ends behind the whole message                  | unknown, unreachable                              |
// | the connection ends before that, or can't be made             | broken: unreachable, dns, tls, timeout            |
#pragma once

#include <string>
#include <string_view>

#include "destinations/hl7_answer.hpp"
#include "submission/outcome.hpp"

namespace relay {

AttemptResult classify_mllp_answer(const Hl7Answer& answer, std::string_view text);
// The whole message went out, and nothing came that says what became of it.
AttemptResult unknown_at_receiver(ErrorKind kind, std::string message, std::string_view text = {});

}  // namespace relay
