// Names that are made from templates: the same for every try, and safe wherever they are put.
#include <gtest/gtest.h>

#include "destinations/template_text.hpp"
#include "support/memory_payload.hpp"

namespace relay {
namespace {

Submission some_submission() {
  Submission submission = submission_of("MSH|");
  submission.id = *Uuid::parse("0199b3a0-0000-7000-8000-000000000001");
  submission.client = "lab.default";
  submission.content_type = "application/hl7-v2";
  submission.payload_name.reset();
  submission.accepted_at = *parse_rfc3339("2026-11-24T18:00:00.123Z");
  return submission;
}

std::string filled(std::string_view text, const Submission& submission) {
  const auto name = NameTemplate::parse(text);
  return name ? fill_in(*name, submission) : "no template: " + name.error().message;
}

TEST(TemplateText, EveryFieldHasTheSpellingThatIsPromised) {
  EXPECT_EQ(filled("a/{client}/{date}/{timestamp}~STOP~{id}.{extension}", some_submission()),
            "a/lab.default/20261124/20261124T180000123Z~STOP~0199b3a0-0000-7000-8000-000000000001.hl7");
  EXPECT_EQ(filled("{id}{id}", some_submission()),
            "0199b3a0-0000-7000-8000-0000000000010199b3a0-0000-7000-8000-000000000001");
}

TEST(TemplateText, TheExtensionFollowsTheContentType) {
  Submission submission = some_submission();
  for (const auto& [type, extension] :
       {std::pair{"application/fhir+ndjson", "fhir"}, std::pair{"application/fhir+json", "json"},
        std::pair{"text/csv", "csv"}, std::pair{"application/xml", "xml"}, std::pair{"image/png", "bin"}}) {
    submission.content_type = type;
    EXPECT_EQ(filled("{extension}", submission), extension);
  }
}

TEST(TemplateText, APayloadsNameIsPercentEncodedAndLeavesNoFolder) {
  Submission submission = some_submission();
  EXPECT_EQ(filled("<{payload_name}>", submission), "<>");
  submission.payload_name = "r\xC3\xA9sultats of J. Doe/1~.hl7\r\nX: y";
  EXPECT_EQ(filled("{payload_name}", submission), "r%C3%A9sultats%20of%20J.%20Doe%2F1~.hl7%0D%0AX%3A%20y");
  submission.payload_name = "..";
  EXPECT_EQ(filled("in/{payload_name}/{id}", submission), "in/%2E./0199b3a0-0000-7000-8000-000000000001");
  submission.payload_name = std::string("\xE9");  // ISO 8859-1
  EXPECT_EQ(filled("{payload_name}", submission), "%C3%A9");
}

TEST(TemplateText, ALongNameIsCutBetweenCharacters) {
  Submission submission = some_submission();
  for (const std::size_t shift : {0U, 1U, 2U}) {
    submission.payload_name = std::string(shift, 'a') + std::string(200, ' ');
    const std::string name = filled("{payload_name}", submission);
    EXPECT_LE(name.size(), longest_payload_name);
    EXPECT_GE(name.size(), longest_payload_name - 2);
    EXPECT_TRUE(name.ends_with("%20")) << name;
  }
}

TEST(TemplateText, WhatIsShownToAnybodyHoldsNoName) {
  Submission submission = some_submission();
  submission.payload_name = "Jane Doe";
  EXPECT_EQ(fill_in_for_show(*NameTemplate::parse("{payload_name}~{client}"), submission),
            "{payload_name}~lab.default");
}

TEST(TemplateText, AnythingElseInBracesIsRefused) {
  for (const char* text : {"{", "}", "{}", "{id", "id}", "{name}", "{{id}}", "{ id }", "a{id}b}", "{Id}"})
    EXPECT_FALSE(NameTemplate::parse(text)) << text;
  EXPECT_TRUE(NameTemplate::parse("")->empty());
  EXPECT_TRUE(NameTemplate::parse("x{id}")->holds(NameField::id));
  EXPECT_FALSE(NameTemplate::parse("x{id}")->holds(NameField::date));
}

}  // namespace
}  // namespace relay
