// Renders the OpenAPI document with the Swagger UI that BentoML ships; nothing is asked of other hosts.
SwaggerUIBundle({
  url: "/docs.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
