// Goal: the plug-in host refuses every file that is not a sound provider with one clear sentence, and nothing
// that a plug-in throws, writes or returns gets past it unchecked. Method: loads the good and the bad
// libraries of tests/abi.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "worker/exit_codes.h"
#include "worker/plugin_library.h"
#include "worker/plugin_text.h"

namespace otpgw::worker {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kTestProviders =
    std::filesystem::path(OTPGW_PROVIDERS_DIR).parent_path() / "test-providers";

std::string refusal_of(const std::filesystem::path& file) {
  const auto library = PluginLibrary::load(file);
  return library ? "(accepted)" : library.error().line;
}

struct Loaded {
  std::unique_ptr<PluginLibrary> library;
  std::unique_ptr<PluginInstance> instance;
};

Loaded load(const std::string& name, const std::string& config = "{}") {
  auto library = PluginLibrary::load(kTestProviders / (name + ".so"));
  if (!library) throw std::runtime_error(library.error().line);
  auto instance = (*library)->create((*library)->descriptors().front(), config);
  if (!instance) throw std::runtime_error(instance.error());
  return {std::move(*library), std::make_unique<PluginInstance>(std::move(*instance))};
}

wire::Result send(PluginInstance& instance, const std::string& subject, uint32_t attempt = 3,
                  const std::string& address = "john@doe.example") {
  return instance.send({.id = "job-1",
                        .attempt = attempt,
                        .name_space = {},
                        .otp_id = {},
                        .address = address,
                        .code = "354965",
                        .subject = subject,
                        .body = {},
                        .text_body = {},
                        .locale = {},
                        .extra = {},
                        .otp_json = {}},
                       0);
}

TEST(PluginHost, LoadsAProviderWrittenInC) {
  const auto loaded = load("minimal");
  ASSERT_EQ(loaded.library->descriptors().size(), 1u);
  const auto& descriptor = loaded.library->descriptors().front();
  EXPECT_EQ(descriptor.id, "minimal");
  EXPECT_EQ(descriptor.config_schema, "") << "null in the library";
  EXPECT_EQ(descriptor.body_bytes_max, 1000u);
  const auto result = send(*loaded.instance, "hello");
  EXPECT_EQ(result.code, wire::ResultCode::sent);
  EXPECT_EQ(result.job_id, "job-1");
  EXPECT_EQ(result.attempt, 3u);
}

TEST(PluginHost, LoadsWhatWasBuiltWithTheFirstHeaderAndWithALaterOne) {
  const auto first = load("minimal_v1");
  EXPECT_EQ(first.library->descriptors().front().body_bytes_max, 1000u);
  EXPECT_EQ(first.instance->validate({.request = 1, .address = "x"}).verdict, wire::AddressVerdict::valid);
  EXPECT_EQ(send(*first.instance, "hello").code, wire::ResultCode::sent);
  const auto later = load("future");
  EXPECT_EQ(later.library->abi_minor(), OTPGW_ABI_MINOR + 7);
  EXPECT_EQ(later.library->descriptors().front().address_bytes_max, 100u);
  EXPECT_EQ(later.instance->validate({.request = 1, .address = "x"}).verdict, wire::AddressVerdict::valid);
  EXPECT_EQ(send(*later.instance, "hello").code, wire::ResultCode::sent);
}

TEST(PluginHost, RefusesWhatIsNotAProviderAndSaysWhy) {
  const std::pair<const char*, const char*> cases[] = {
      {"missing.so", "missing.so: no such file"},
      {"text.so", "cannot be loaded: "},
      {"unresolved.so", "undefined symbol: otpgw_test_function_that_nobody_has"},
      {"no_symbol.so", "does not export otpgw_provider_entry"},
      {"other_major.so", "made for plug-in ABI 2.0; this worker has 1.0"},
      {"short_struct.so", "its entry is too short: expected at least "},
      {"no_send.so", "its entry lacks create, validate, send or destroy"},
      {"no_providers.so", "it offers no provider"},
      {"init_fails.so", "its init failed with code 7"},
      {"long_address.so", "impossible address_bytes_max: expected 1 to 254, got 255"},
      {"bad_id.so", "impossible id"}};
  for (const auto& [file, sentence] : cases) {
    const auto refusal = refusal_of(kTestProviders / file);
    EXPECT_THAT(refusal, HasSubstr(sentence));
    EXPECT_THAT(refusal, HasSubstr(file)) << "names the file";
    EXPECT_THAT(refusal, Not(HasSubstr("\n")));
  }
  EXPECT_THAT(refusal_of("/"), HasSubstr("not a file"));
}

TEST(PluginHost, RefusesAFileThatOthersMayWriteTo) {
  const auto copy =
      std::filesystem::temp_directory_path() / ("otpgw_writable_" + std::to_string(::getpid()) + ".so");
  std::filesystem::copy_file(kTestProviders / "minimal.so", copy,
                             std::filesystem::copy_options::overwrite_existing);
  for (const mode_t mode : {0664u, 0646u}) {
    ASSERT_EQ(::chmod(copy.c_str(), mode), 0);
    EXPECT_THAT(refusal_of(copy), HasSubstr("may be written by its group or by others"));
  }
  std::filesystem::remove(copy);
}

TEST(PluginHost, PassesOnWhyAConfigurationIsRefused) {
  const auto loaded = load("minimal");
  const auto& descriptor = loaded.library->descriptors().front();
  EXPECT_EQ(loaded.library->create(descriptor, "bad").error(), "key: expected something else");
  const auto null = PluginLibrary::load(kTestProviders / "create_is_null.so");
  ASSERT_TRUE(null);
  EXPECT_THAT((*null)->create((*null)->descriptors().front(), "{}").error(), HasSubstr("without saying why"));
}

TEST(PluginHost, SurvivesExceptionsThroughTheAbi) {
  const auto loaded = load("throwing");
  EXPECT_THAT(loaded.library->create(loaded.library->descriptors().front(), "create").error(),
              HasSubstr("create threw"));
  EXPECT_EQ(loaded.instance->validate({.request = 1, .address = "x"}).verdict, wire::AddressVerdict::invalid);
  const auto result = send(*loaded.instance, "x");
  EXPECT_EQ(result.code, wire::ResultCode::unknown);
  EXPECT_THAT(result.detail, HasSubstr("threw"));
}

TEST(PluginHost, TheWrapperTurnsExceptionsIntoResults) {
  const auto loaded = load("throwing_sdk");
  EXPECT_EQ(loaded.library->create(loaded.library->descriptors().front(), "create").error(),
            "key: must not be \"create\"");
  const auto answer = loaded.instance->validate({.request = 1, .address = "secret@address"});
  EXPECT_EQ(answer.verdict, wire::AddressVerdict::invalid);
  EXPECT_THAT(answer.sentence, Not(HasSubstr("secret")));
  const auto result = send(*loaded.instance, "x");
  EXPECT_EQ(result.code, wire::ResultCode::unknown);
  EXPECT_THAT(result.detail, HasSubstr("runtime_error"));
  EXPECT_THAT(result.detail, Not(HasSubstr("john")));
}

TEST(PluginHost, TakesNoNonsenseFromSend) {
  const auto loaded = load("minimal");
  EXPECT_EQ(send(*loaded.instance, "nonsense").code, wire::ResultCode::unknown);
  EXPECT_EQ(send(*loaded.instance, "silent").code, wire::ResultCode::unknown) << "silence is never success";
  EXPECT_EQ(send(*loaded.instance, "retry").retry_after_ms, 0);
  EXPECT_THAT(send(*loaded.instance, "leak").detail, Not(HasSubstr("john")));
  const auto dirty = send(*loaded.instance, "dirty");
  EXPECT_EQ(dirty.upstream_id, std::string(128, '?'));
  EXPECT_EQ(dirty.detail, "two?lines");
  EXPECT_EQ(send(*loaded.instance, "dirty", 1).detail, std::string(256, 'x'));
}

TEST(PluginHost, WithholdsTheAddressAsAnUpstreamSpellsIt) {
  const auto loaded = load("minimal");
  for (const auto* address : {"+4915112345678", "john@doe.example", "John@Doe.example"})
    EXPECT_THAT(send(*loaded.instance, "quote", 3, address).detail, HasSubstr("withheld")) << address;
  EXPECT_EQ(send(*loaded.instance, "quote", 3, "+12").detail, "no mailbox 12");  // stands anywhere by chance
}

TEST(PluginHost, TakesNoNonsenseFromValidate) {
  const auto loaded = load("minimal");
  for (const auto* address : {"nonsense", "silent", "dirty"}) {
    const auto answer = loaded.instance->validate({.request = 9, .address = address});
    EXPECT_EQ(answer.request, 9u);
    EXPECT_EQ(answer.verdict, wire::AddressVerdict::invalid) << address;
    EXPECT_EQ(answer.normalised, "");
  }
  const auto answer = loaded.instance->validate({.request = 10, .address = "good"});
  EXPECT_EQ(answer.verdict, wire::AddressVerdict::valid);
  EXPECT_EQ(answer.country, "NL");
  EXPECT_EQ(loaded.instance->validate({.request = 11, .address = "unending"}).country, "");
}

TEST(PluginHost, ReportsEachBreakOfTheContract) {
  const auto loaded = load("minimal");
  std::vector<std::string> faults;
  loaded.instance->report_faults_to([&](const std::string& fault) { faults.push_back(fault); });
  static_cast<void>(send(*loaded.instance, "hello"));
  static_cast<void>(loaded.instance->validate({.request = 1, .address = "good"}));
  EXPECT_THAT(faults, testing::IsEmpty());
  for (const auto* subject : {"nonsense", "retry", "leak", "dirty"})
    static_cast<void>(send(*loaded.instance, subject));
  for (const auto* address : {"nonsense", "dirty", "unending"})
    static_cast<void>(loaded.instance->validate({.request = 1, .address = address}));
  EXPECT_THAT(faults, testing::ElementsAre(
                          HasSubstr("send gave the code 4711"), HasSubstr("a negative retry_after_ms"),
                          HasSubstr("detail quoted the code or the address"),
                          HasSubstr("upstream_id has no NUL"), HasSubstr("detail is not one line"),
                          HasSubstr("the verdict 42"), HasSubstr("a normalised address that is not clean"),
                          HasSubstr("country that is not two capital letters")));
}

TEST(PluginHostDeathTest, EndsTheProcessWhenAPlugInWritesBeyondAResult) {
  const auto loaded = load("minimal");
  EXPECT_EXIT(static_cast<void>(send(*loaded.instance, "scribble")),
              testing::ExitedWithCode(kExitMemoryDamaged), "send wrote beyond its result");
  EXPECT_EXIT(static_cast<void>(loaded.instance->validate({.request = 1, .address = "scribble"})),
              testing::ExitedWithCode(kExitMemoryDamaged), "validate wrote beyond its result");
}

TEST(PluginHost, FindsTheProviderForASection) {
  const auto one = load("minimal");
  EXPECT_EQ(one.library->descriptor_for("any_name")->id, "minimal") << "the only one serves any section";
  const auto two = load("two_providers");
  EXPECT_EQ(two.library->descriptor_for("two_whatsapp")->id, "two_whatsapp");
  EXPECT_THAT(two.library->descriptor_for("other").error(), HasSubstr("it offers two_sms, two_whatsapp"));
  auto second = two.library->create(two.library->descriptors()[1], "{}");
  ASSERT_TRUE(second);
  EXPECT_EQ(send(*second, "x").upstream_id, "whatsapp");
  EXPECT_EQ(send(*two.instance, "x").upstream_id, "sms");
}

TEST(PluginText, CleansWhatIsNotText) {
  EXPECT_EQ(plugin_text(nullptr, 10), "");
  EXPECT_EQ(plugin_text("abcdef", 3), "abc");
  EXPECT_EQ(plugin_text("a\r\nb\x7F", 10), "a??b?");
  EXPECT_EQ(plugin_text("grün €uro 🔐", 100), "grün €uro 🔐");
  EXPECT_EQ(plugin_text("🔐", 3), "???") << "cut within a code point";
  EXPECT_EQ(plugin_text("\xC0\x80 \xED\xA0\x80 \xF5", 100), "?? ??? ?");
}

}  // namespace
}  // namespace otpgw::worker
