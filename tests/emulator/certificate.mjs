// A certificate for localhost and 127.0.0.1, valid until 2126, and its private key. Only these tests trust it. Made with
//
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost \
//     -addext subjectAltName=DNS:localhost,IP:127.0.0.1

export const CERTIFICATE = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUMiLPlaPsrtKLzstTKQ+6rJBnUDowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTAwNDAwOVoYDzIxMjYxMTAx
MDA0MDA5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR0gF9NNfHz4qpGTmijr5EJCPeCHuJliM/vFb8be67Us5SwkHeIIw0m
o7v4kGJeyPmDI7qW2K7WmGoMvQ+yw/60o28wbTAdBgNVHQ4EFgQUYWW09xN/dAA2
11Te20d3juB2/9kwHwYDVR0jBBgwFoAUYWW09xN/dAA211Te20d3juB2/9kwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgIcTBK9zK91bO1XN3rUwg+SGivC/1oOZv5oxkUSUkLbYCIAxZ
lNOBgiGIK8mDcwWaX09RkATLdcbCcTFqr8zTiL5p
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgg7TS8RL9KcgK4Afs
xlZd6/Qo/CdsvWwRaJzZywqyRFChRANCAAR0gF9NNfHz4qpGTmijr5EJCPeCHuJl
iM/vFb8be67Us5SwkHeIIw0mo7v4kGJeyPmDI7qW2K7WmGoMvQ+yw/60
-----END PRIVATE KEY-----
`,
};
