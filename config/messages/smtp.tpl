{{! The HTML body of e-mails. Fields: To, Namespace, Channel, ChannelName, OTP, OTPURL, OTPTTL.Minutes. }}
<!doctype html>
<html>
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
</head>
<body style="margin: 0; padding: 24px; background: #f3f4f6; font-family: Helvetica, Arial, sans-serif; color: #1f2937">
  <div style="max-width: 480px; margin: 0 auto; padding: 32px; background: #ffffff; border-radius: 8px">
    <h1 style="margin: 0 0 16px; font-size: 20px">{{ .Namespace }}</h1>
    <p style="font-size: 16px">Your verification code is</p>
    <p style="padding: 16px; background: #f3f4f6; border-radius: 6px; text-align: center; font-family: Menlo, Consolas, monospace; font-size: 32px; letter-spacing: 6px">{{ .OTP }}</p>
    <p style="text-align: center">
      <a href="{{ .OTPURL }}" style="display: inline-block; padding: 12px 24px; background: #1d4ed8; border-radius: 6px; color: #ffffff; text-decoration: none">Verify</a>
    </p>
    <p style="font-size: 14px; color: #4b5563">
      The code is valid for {{ .OTPTTL.Minutes }} min. If you didn't ask for it, ignore this e-mail, and don't
      give the code to anybody.
    </p>
  </div>
</body>
</html>
