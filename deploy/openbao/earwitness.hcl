# What Earwitness may do in OpenBao or Vault: its own transit engine, mounted at `earwitness`, and nothing else.
#
#   bao secrets enable -path=earwitness transit
#   bao policy write earwitness deploy/openbao/earwitness.hcl
#   bao token create -policy=earwitness -orphan -period=768h -no-default-policy -field=token
#
# The mount belongs to Earwitness alone: it may delete what is in it. That is what destroying a month's key means.

# Make the keys of coming months, see whether one is there, destroy one whose month is over.
path "earwitness/keys" {
  capabilities = ["list"]
}
path "earwitness/keys/+" {
  capabilities = ["create", "read", "update", "delete"]
}

# OpenBao destroys a key only when its `deletion_allowed` was set before. Nothing else may be set: an exportable key
# could leave the server and come back after its end.
path "earwitness/keys/+/config" {
  capabilities = ["update"]
  allowed_parameters = {
    "deletion_allowed" = [true, "true"]
  }
}

# `update` alone: with `create`, encrypting under a name without a key would make one, unnoticed.
path "earwitness/encrypt/+" {
  capabilities = ["update"]
}
path "earwitness/decrypt/+" {
  capabilities = ["update"]
}

# Never: a key's backup, its export, or its return.
path "earwitness/export/*" {
  capabilities = ["deny"]
}
path "earwitness/backup/*" {
  capabilities = ["deny"]
}
path "earwitness/restore/*" {
  capabilities = ["deny"]
}

# Its own token.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
