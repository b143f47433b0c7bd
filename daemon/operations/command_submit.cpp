// `edge-relay submit`: hands files to the running daemon over the operator socket. An id is printed as soon as the
// daemon has answered that the submission is durable; a file that is refused doesn't keep the others back.
#include <chrono>
#include <ostream>
#include <thread>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

#include "base/uuid.hpp"
#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/file_body.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"
#include "operations/synthetic_result.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

constexpr std::chrono::milliseconds look_every{200};

struct Payload {
  std::string name;  // for messages: the file's path as given
  std::string content_type;
  std::shared_ptr<HttpBodySource> body;
};

Result<Payload> payload_of(const std::string& file, const SubmitCommand& command, std::istream& in) {
  Payload payload;
  payload.name = file == "-" ? "standard input" : file;
  if (command.content_type) {
    payload.content_type = *command.content_type;
  } else if (const auto type = media_type_of_extension(std::filesystem::path(file).extension().native())) {
    payload.content_type = std::string(*type);
  }
  auto body = file == "-" ? read_stream_body(in) : open_file_body(file);
  if (!body) return fail(body.error().message);
  payload.body = std::move(body).value();
  return payload;
}

Payload test_payload() {
  UuidGenerator ids(system_clock());
  // MSH-10 holds 20 characters in older versions: the time-ordered end of an id is enough.
  const std::string id = ids.next().text();
  return {"the test result", "application/hl7-v2",
          text_body(synthetic_hl7_result(system_clock().wall_now(), "T" + id.substr(id.size() - 12)))};
}

std::vector<std::pair<std::string, std::string>> headers_for(const SubmitCommand& command, const Payload& payload) {
  std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", payload.content_type}};
  if (command.client) headers.emplace_back("Relay-Client", *command.client);
  if (command.payload_name) headers.emplace_back("Relay-Payload-Name", *command.payload_name);
  if (command.idempotency_key) headers.emplace_back("Idempotency-Key", *command.idempotency_key);
  return headers;
}

// A member of the daemon's answer, "" where it isn't there.
std::string member_of(const std::string& body, std::string_view key) {
  const auto object = parse_json_object(body);
  return object ? text_member(*object, key) : "";
}

// Waits until the submission is delivered. Anything else that it comes to, or the deadline, is a failure.
bool await_delivery(AdminClient& client, const std::string& id, std::chrono::steady_clock::time_point deadline,
                    std::ostream& err) {
  for (;;) {
    const auto answer = client.get("/v1/submissions/" + percent_encoded(id));
    if (!answer || answer->status != 200) {
      err << "edge-relay submit: " << id << ": " << (answer ? problem_text(*answer) : answer.error().message) << "\n";
      return false;
    }
    const std::string state = member_of(answer->body, "state");
    if (state == "delivered") return true;
    if (state != "queued") {
      err << fmt::format("edge-relay submit: {} is {}; `edge-relay show {}` says why\n", id, one_line(state), id);
      return false;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      err << fmt::format("edge-relay submit: {} isn't delivered yet; it stays in the journal and is sent on\n", id);
      return false;
    }
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(look_every, deadline - now));
  }
}

}  // namespace

ExitCode execute(const SubmitCommand& command, const Streams& streams) {
  AdminClient client(command.configuration);
  std::vector<std::string> accepted;
  bool all_well = true;
  const auto complain = [&](const std::string& about, const std::string& what) {
    streams.err << fmt::format("edge-relay submit: {}: {}\n", about, what);
    all_well = false;
  };

  const auto submit = [&](const Payload& payload) {
    const auto answer = client.post("/v1/submissions", headers_for(command, payload), payload.body);
    if (!answer) {
      complain(payload.name, answer.error().message);
      return false;  // the next one would fare no better
    }
    const std::string id = member_of(answer->body, "id");
    if ((answer->status != 202 && answer->status != 200) || id.empty()) {
      complain(payload.name, problem_text(*answer));
      return true;
    }
    if (!command.json) streams.out << id << std::endl;
    accepted.push_back(id);
    return true;
  };

  if (command.test) {
    submit(test_payload());
  } else {
    for (const std::string& file : command.files) {
      const auto payload = payload_of(file, command, streams.in);
      if (!payload) {
        complain(file, payload.error().message);
      } else if (!submit(*payload)) {
        break;
      }
    }
  }
  if (command.json) {
    streams.out << boost::json::serialize(boost::json::object{{"ids", boost::json::value_from(accepted)}}) << std::endl;
  }
  if (command.wait) {
    const auto deadline = std::chrono::steady_clock::now() + *command.wait;
    for (const std::string& id : accepted) all_well = await_delivery(client, id, deadline, streams.err) && all_well;
  }
  return all_well ? ExitCode::success : ExitCode::failure;
}

}  // namespace relay
