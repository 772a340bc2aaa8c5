/** What the manifest of a blog is made from. */
export interface Blog {
  image: string;
  /** Of the host, where the site is. */
  port: number;
  /** A script that becomes the database. */
  startDatabase: string;
  /** The page, in PHP. */
  page: string;
  password: string;
}

/** A text in a file of YAML that is JSON in most places. */
const text = (value: string) => JSON.stringify(value);

const FPM = `[global]
error_log = /proc/self/fd/2
[www]
user = www-data
group = www-data
listen = 127.0.0.1:9000
pm = static
pm.max_children = 2
clear_env = no
`;

const NGINX = `server {
  listen 80;
  root /srv;
  location / { index index.php; }
  location ~ \\.php$ {
    include fastcgi.conf;
    fastcgi_pass 127.0.0.1:9000;
  }
}
`;

/** A blog as people describe it for Kubernetes: a database with a claim, and a pod with PHP and nginx that waits for it. */
export function blogManifest({ image, port, startDatabase, page, password }: Blog): string {
  const ping = `mariadb-admin -h db -u blog -p"$(cat /run/secrets/db_password)" ping`;
  const secret = '{name: secrets, mountPath: /run/secrets, readOnly: true}';
  return `
apiVersion: v1
kind: Secret
metadata: {name: blog}
stringData: {db_password: ${text(password)}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: blog}
data:
  start.sh: ${text(startDatabase)}
  index.php: ${text(page)}
  fpm.conf: ${text(FPM)}
  nginx.conf: ${text(NGINX)}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: blog-db}
spec:
  serviceName: db
  replicas: 1
  selector: {matchLabels: {app: blog, tier: db}}
  template:
    metadata: {labels: {app: blog, tier: db}}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
        - name: mariadb
          image: ${image}
          command: [sh, /etc/blog/start.sh]
          ports: [{containerPort: 3306, name: mysql}]
          readinessProbe: {tcpSocket: {port: mysql}, periodSeconds: 1}
          volumeMounts: [{name: data, mountPath: /var/lib/mysql}, {name: conf, mountPath: /etc/blog}, ${secret}]
      volumes: [{name: conf, configMap: {name: blog}}, {name: secrets, secret: {secretName: blog}}]
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: blog, tier: db}, ports: [{port: 3306}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: blog}
spec:
  replicas: 1
  selector: {matchLabels: {app: blog, tier: web}}
  strategy: {type: Recreate}
  template:
    metadata: {labels: {app: blog, tier: web}}
    spec:
      terminationGracePeriodSeconds: 10
      initContainers:
        - name: wait
          image: ${image}
          command: [sh, -c, ${text(`until ${ping}; do sleep 0.2; done`)}]
          volumeMounts: [${secret}]
      containers:
        - name: php
          image: ${image}
          command: [php-fpm8.2, --nodaemonize, --allow-to-run-as-root, --fpm-config, /etc/blog/fpm.conf]
          env: [{name: DB_HOST, value: db}]
          livenessProbe: {tcpSocket: {port: 9000}, periodSeconds: 1, timeoutSeconds: 100}
          volumeMounts: [{name: conf, mountPath: /etc/blog}, {name: conf, mountPath: /srv/index.php, subPath: index.php}, ${secret}]
        - name: nginx
          image: ${image}
          command: [nginx, -g, "daemon off;"]
          ports: [{containerPort: 80, name: http, hostPort: ${port}, hostIP: 127.0.0.1}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
          lifecycle: {preStop: {exec: {command: [nginx, -s, quit]}}}
          volumeMounts:
            - {name: conf, mountPath: /srv/index.php, subPath: index.php}
            - {name: conf, mountPath: /etc/nginx/conf.d/default.conf, subPath: nginx.conf}
            - {name: enabled, mountPath: /etc/nginx/sites-enabled}
      volumes:
        - {name: conf, configMap: {name: blog}}
        - {name: secrets, secret: {secretName: blog, defaultMode: 0444}}
        - {name: enabled, emptyDir: {medium: Memory}}
`;
}
