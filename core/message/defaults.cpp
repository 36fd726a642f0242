#include "core/message/defaults.h"

namespace otpgw::message {

const std::string_view kDefaultSubject = "Your {{Namespace}} verification code";

// Mail programs drop style sheets and don't know much CSS: tables and inline styles are what they all show.
const std::string_view kDefaultHtml = R"(<!doctype html>
<html>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:0;background:#f3f4f6">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f4f6"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:480px;background:#ffffff;border-radius:8px;font-family:Helvetica,Arial,sans-serif;color:#1f2937"><tr><td style="padding:32px">
<h1 style="margin:0 0 16px;font-size:20px">{{Namespace}}</h1>
<p style="margin:0 0 24px;font-size:16px;line-height:24px">Your verification code is</p>
<p style="margin:0 0 24px;padding:16px;background:#f3f4f6;border-radius:6px;text-align:center;font-family:Menlo,Consolas,monospace;font-size:32px;letter-spacing:6px">{{OTP}}</p>
{{#OTPURL}}
<p style="margin:0 0 24px;text-align:center"><a href="{{OTPURL}}" style="display:inline-block;padding:12px 24px;background:#1d4ed8;border-radius:6px;color:#ffffff;font-size:16px;text-decoration:none">Verify</a></p>
{{/OTPURL}}
<p style="margin:0;font-size:14px;line-height:20px;color:#4b5563">The code is valid for {{OTPTTL.Minutes}} minutes. If you didn't ask for it, ignore this e-mail, and don't give the code to anybody.</p>
</td></tr></table>
</td></tr></table>
</body>
</html>
)";

const std::string_view kDefaultMailText = R"({{OTP}} is your verification code for {{Namespace}}.

{{#OTPURL}}
You can also open this page:
{{OTPURL}}

{{/OTPURL}}
The code is valid for {{OTPTTL.Minutes}} minutes. If you didn't ask for it, ignore this e-mail, and don't give
the code to anybody.
)";

const std::string_view kDefaultText = "{{OTP}} is your verification code for {{Namespace}}.";

}  // namespace otpgw::message
