#include "operations/synthetic_result.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace relay {

std::string synthetic_hl7_result(WallTime now, const std::string& control_id) {
  // 2026-11-24T18:00:00.123Z → 20261124180000
  std::string time = format_rfc3339(now).substr(0, 19);
  time.erase(std::remove_if(time.begin(), time.end(), [](char c) { return c < '0' || c > '9'; }), time.end());
  return fmt::format(
      "MSH|^~\\&|EDGE-RELAY^2.16.840.1.113883.19.4.6^ISO|TEST LABORATORY^00Z0000000^CLIA|PUBLIC HEALTH|TEST|{0}+0000||"
      "ORU^R01^ORU_R01|{1}|T|2.5.1|||NE|NE|USA\r"
      "SFT|Edge Relay|" RELAY_VERSION
      "|edge-relay||\r"
      "PID|1||TEST-{1}^^^TEST LABORATORY&00Z0000000&CLIA^PI||Test^Synthetic^^^^^L||19000101|U|||"
      "1 Test Street^^Testville^ZZ^00000^USA\r"
      "ORC|RE|TEST-{1}|TEST-{1}|||||||||0000000000^Test^Synthetic\r"
      "OBR|1|TEST-{1}|TEST-{1}|94558-4^SARS-CoV-2 (COVID-19) Ag [Presence] in Respiratory specimen by Rapid immunoassay"
      "^LN|||{0}+0000|||||||||0000000000^Test^Synthetic||||||{0}+0000|||F\r"
      "OBX|1|CWE|94558-4^SARS-CoV-2 (COVID-19) Ag [Presence] in Respiratory specimen by Rapid immunoassay^LN||"
      "260415000^Not detected^SCT||||||F|||{0}+0000|00Z0000000^TEST LABORATORY^CLIA\r"
      "NTE|1|L|Synthetic test message. Not a patient.\r"
      "SPM|1|^TEST-{1}||697989009^Anterior nares swab^SCT|||||||||||||{0}+0000\r",
      time, control_id);
}

}  // namespace relay
